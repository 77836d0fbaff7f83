"""Count failed calls by operation, by exception or answer, and by place. Nothing here runs until a call has failed."""

import re
import traceback
import types
from collections.abc import Sequence
from typing import Any

import msgspec

from harness.model import Outcome
from harness.profiles.stacks.frames import relative_path
from harness.redaction.redact import redact_text
from harness.target.journeys import without_secrets

MOST_KINDS = 100
"""Limit of distinct kinds of failures; further kinds are counted under `OTHERS`."""
OTHERS = "(other failures)"
_UNEXPLAINED = "answered with a failure"
_LONGEST = 200
_LINE = re.compile(r":\d+\)$")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of failure. Times are nanoseconds since time zero; `example` is the message of the first failure."""

    operation: str
    outcome: str
    what: str
    where: str = ""
    example: str = ""
    count: int = 0
    first_ns: int = 0
    last_ns: int = 0

    @property
    def reason(self) -> str:
        """Failure and place without the line number, which an edit elsewhere in the file changes."""
        place = _LINE.sub(")", self.where)
        return f"{self.what} in {place}" if place else self.what


class Failures:
    """Failures of one process. `raised` or `answered` notes the reason, `count` counts it if the call is of the measured time.

    No method raises, whatever the target's exceptions do while they are inspected.
    """

    def __init__(self) -> None:
        self._why = ("", "")
        self._kinds: dict[tuple[int, int, str, str], list[int]] = {}
        self._examples: dict[tuple[str, str], str] = {}

    @property
    def why(self) -> str:
        """Return the last noted reason, with its place."""
        what, where = self._why
        return f"{what} in {where}" if where else what

    def raised(self, error: BaseException) -> None:
        """Note the exception of the call that has just ended, and drop its traceback.

        If a target raises the same object repeatedly, its traceback would otherwise grow each time.
        """
        kind = type(error)
        name = (
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        )
        self._why = (name, _place(error.__traceback__))
        if self._why not in self._examples and len(self._examples) < MOST_KINDS:
            self._examples[self._why] = _text(error)
        error.__traceback__ = None

    def answered(self, what: str) -> None:
        """Note the reason why the answer of the call that has just ended is a failure: a text that all of one kind share."""
        self._why = (what[:_LONGEST] or _UNEXPLAINED, "")

    def count(self, operation: int, outcome: int, ended_ns: int) -> None:
        """Count the last noted failure."""
        key = (operation, outcome, *self._why)
        if key not in self._kinds and len(self._kinds) >= MOST_KINDS:
            key = (operation, outcome, OTHERS, "")
        found = self._kinds.setdefault(key, [0, ended_ns, ended_ns])
        found[0] += 1
        found[1], found[2] = min(found[1], ended_ns), max(found[2], ended_ns)

    def found(self, operations: Sequence[str]) -> list[Failure]:
        """Return the kinds of failures, the most frequent first."""
        kinds = [
            Failure(
                operation=operations[operation], outcome=Outcome(outcome).label, what=what, where=where,
                example=redact_text(self._examples.get((what, where), "")), count=count, first_ns=first_ns, last_ns=last_ns,
            )
            for (operation, outcome, what, where), (count, first_ns, last_ns) in self._kinds.items()
        ]  # fmt: skip
        return sorted(kinds, key=lambda kind: -kind.count)


def merged(parts: Sequence[Sequence[Failure]]) -> list[Failure]:
    """Return the kinds of failures of all processes; counts of equal kinds are added."""
    whole: dict[tuple[str, ...], Failure] = {}
    for one in (failure for part in parts for failure in part):
        key = (one.operation, one.outcome, one.what, one.where)
        other = whole.get(key)
        whole[key] = one if other is None else _sum(other, one)
    return sorted(whole.values(), key=lambda kind: -kind.count)


def by_operation(failures: Sequence[Failure]) -> dict[str, int]:
    """Return the number of failed calls by operation, without zeros."""
    counts: dict[str, int] = {}
    for one in failures:
        counts[one.operation] = counts.get(one.operation, 0) + one.count
    return counts


def _sum(one: Failure, other: Failure) -> Failure:
    return msgspec.structs.replace(
        one if one.first_ns <= other.first_ns else other,
        count=one.count + other.count,
        first_ns=min(one.first_ns, other.first_ns),
        last_ns=max(one.last_ns, other.last_ns),
    )


def _place(trace: types.TracebackType | None) -> str:
    """Return the function that raised, with file and line; empty if only the frame of the call itself is known."""
    steps = list(traceback.walk_tb(trace))
    if len(steps) < 2:
        return ""
    frame, line = steps[-1]
    return f"{frame.f_code.co_qualname} ({relative_path(frame.f_code.co_filename)}:{line})"


def _text(value: Any) -> str:
    try:
        return without_secrets(str(value))[:_LONGEST]
    except BaseException:  # noqa: BLE001 - it is the target's code
        return ""
