"""Read the requests in an access log in common or combined format, as nginx, Apache and gunicorn write it."""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError
from harness.requests.lines import METHODS
from harness.requests.template import Draft, Template, operation_of

_LOGGED = re.compile(
    r'\S+ \S+ .*?\[(?P<time>[^\]]+)\] "(?:(?P<method>[A-Z]+) (?P<target>/\S*)[^"]*|(?:[^"\\]|\\.)*)" (?P<status>\d{3})\b'
)
_WITH_BODY = ("POST", "PUT", "PATCH")


@dataclasses.dataclass(frozen=True, slots=True)
class Logged:
    """One line of a log. The method is empty if it is no request of HTTP. `time` is as it stands there."""

    number: int
    time: str
    method: str
    target: str
    status: int

    @property
    def operation(self) -> str:
        """Return `METHOD /path` with ids folded; empty without a request."""
        return operation_of(self.method, self.target.partition("?")[0]) if self.method else ""


def is_access_log(text: str) -> bool:
    """Return True if the first line is one of an access log in common or combined format."""
    return _LOGGED.match(text.lstrip().partition("\n")[0]) is not None


def logged_requests(text: str, path: Path) -> Iterator[Logged]:
    """Yield the lines of an access log. Raises `UsageError`, which names the line, for any other text."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        read = _LOGGED.match(line)
        if read is None:
            raise no_line_of_a_log(f"{path}:{number}")
        method = read["method"] if read["method"] in METHODS else ""
        yield Logged(number, read["time"], method, read["target"] if method else "", int(read["status"]))


def no_line_of_a_log(where: str) -> UsageError:
    """Return the error for a line that is none of an access log."""
    return UsageError(
        "This is not a line of an access log in combined format", where=where,
        remedy='A line is: 127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /items/7 HTTP/1.1" 200 12 "-" "agent"',
    )  # fmt: skip


def read_access_log(text: str, path: Path) -> tuple[list[Template], list[str]]:
    """Return each distinct request of a log, with the number of its lines as weight, and a sentence on what the log lacks.

    A status of 4xx that was logged is expected again. Raises `UsageError` as `logged_requests` does, and for a log without
    requests.
    """
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], int] = {}
    expected: dict[tuple[str, str], set[int]] = {}
    for line in logged_requests(text, path):
        if line.method:
            key = line.method, line.target
            counts[key] += 1
            first.setdefault(key, line.number)
            if 400 <= line.status < 500:
                expected.setdefault(key, set()).add(line.status)
    if not counts:
        raise UsageError("The access log has no request of HTTP", where=str(path), remedy="Give another log")
    templates = [
        _template(method, target, count, f"{path}:{first[method, target]}", expected.get((method, target)))
        for (method, target), count in counts.items()
    ]
    bodies = sum(count for (method, _), count in counts.items() if method in _WITH_BODY)
    notes = [
        f"{bodies:,} of {counts.total():,} logged requests are sent without a body: no access log has it"
    ]
    return templates, notes if bodies else []


def _template(method: str, target: str, count: int, where: str, expected: set[int] | None) -> Template:
    path, _, query = target.partition("?")
    return Template(
        where=where,
        operation=operation_of(method, path),
        weight=float(count),
        draft=Draft(method=method, path=path, query=query),
        literal=True,
        expect=frozenset({*range(100, 400), *expected}) if expected else None,
    )
