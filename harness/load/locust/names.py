"""Number the operations of a locustfile as its requests come: by request type and name, with the ids of paths folded.

A request without `name=` is named by its path. Such names are folded like those of requests in a file: ids become
`{id}`, and the query is left out. Names that a script gave are kept.
"""

from collections.abc import Iterable

from harness.redaction.redact import redact_text
from harness.requests.template import operation_of

MOST_NAMES = 250
"""Limit of operations; calls of further ones are counted under `OTHERS`."""
OTHERS = "(other names)"
_LONGEST = 200
# Distinct names that are remembered: a script may make a new one for each request.
_MOST_KEYS = 20_000

Key = tuple[object, object, bool]


class Names:
    """The operations of one process, each with a number; `fixed` have the first ones."""

    def __init__(self, fixed: Iterable[str] = ()) -> None:
        self.names = list(fixed)
        """Operations in the order of their numbers."""
        self.left = 0
        """Number of names beyond the limit, as far as it is known."""
        self.numbers: dict[Key, int] = {}
        """Number by (request type, name, True for a path); for the hot path, which asks `number` for a new one."""
        self._by_name = {name: number for number, name in enumerate(self.names)}
        # Before secrets are removed from a name, which takes far longer than to look it up.
        self._by_raw_name = dict(self._by_name)
        self._several: dict[int, int] = {}

    def number(self, request_type: object, name: object, is_path: bool) -> int:  # noqa: FBT001 - a part of the key
        """Return the number of an operation; `is_path` is True if its name is the path of a request."""
        key = (request_type, name, is_path)
        found = self.numbers.get(key)
        if found is not None:
            return found
        if len(self.numbers) >= _MOST_KEYS:
            self.numbers.clear()
        raw = _raw_name(request_type, name, is_path=is_path)
        found = self._by_raw_name.get(raw)
        if found is None:
            found = self._numbered(redact_text(raw))
            if len(self._by_raw_name) < MOST_NAMES:
                self._by_raw_name[raw] = found
        self.numbers[key] = found
        self._several[found] = self._several.get(found, 0) + 1
        return found

    def _numbered(self, name: str) -> int:
        found = self._by_name.get(name)
        if found is None and len(self.names) >= MOST_NAMES:
            self.left += 1
            name = OTHERS
            found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = len(self.names)
            self.names.append(name)
        return found

    def counted_as(self, request_type: str, name: str) -> str:
        """Return the operation under which the calls of an entry of Locust's statistics are."""
        for is_path in (False, True):
            own = redact_text(_raw_name(request_type, name, is_path=is_path))
            if own in self._by_name:
                return own
        return OTHERS

    @property
    def folded(self) -> dict[str, int]:
        """Number of names that became one operation, by operation; only those of several names."""
        return {
            self.names[number]: names
            for number, names in self._several.items()
            if names > 1 and self.names[number] != OTHERS
        }


def _raw_name(request_type: object, name: object, *, is_path: bool) -> str:
    """Return the name of an operation, folded if it is a path."""
    method, text = str(request_type or ""), str(name)
    if is_path:
        return operation_of(method, text.partition("?")[0].partition("#")[0])[:_LONGEST]
    return f"{method} {text}".strip()[:_LONGEST]
