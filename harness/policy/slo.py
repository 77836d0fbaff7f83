"""Parse absolute limits (SLO) such as `p99<25ms,errors<0.1%`, and hold the counts from which they are certified."""

import dataclasses
import enum
import re

import msgspec

from harness.errors import UsageError

STRETCHES = 20
"""Number of equal stretches of time in which the calls of a run are counted."""
_NS = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9}
_CLAUSE = re.compile(
    r"(?P<name>[a-z][a-z0-9.]*)\s*(?P<sign><=?|>=?)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[a-zµ%/]*)"
)
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_EXAMPLE = "Write it like p99<25ms,errors<0.1%,throughput>50/s"


class SloMetric(enum.StrEnum):
    """The quantity that a clause limits."""

    LATENCY = "latency"
    ERRORS = "errors"
    THROUGHPUT = "throughput"
    GROWTH = "growth"


class State(enum.StrEnum):
    """The result of a clause."""

    CERTIFIED = "certified"
    BROKEN = "broken"
    NOT_CERTIFIED = "not certified"


@dataclasses.dataclass(frozen=True, slots=True)
class Clause:
    """One limit. `limit` is in ns for a latency, per second for a throughput, per hour for growth, and unused for errors.

    `share` is the largest allowed share of calls beyond the limit: 0.01 for p99, the limit itself for errors.
    """

    text: str
    metric: SloMetric
    limit: float = 0.0
    share: float = 0.0


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """The counts of one stretch of time: planned calls, and those that broke the clause.

    Of a clause on latency, `slow` has the numbers of the slower half of calls by how slow they were, in steps of a quarter
    of an octave: it shows how slow calls cluster even where none is over the limit.
    """

    calls: int
    exceeding: int
    slow: dict[int, int] = {}


class LimitCount(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one clause of an absolute limit, such as `p99<25ms`, in a run or a segment.

    `calls` are the planned calls of the operation (in the stage, if one is named), `exceeding` those that broke the
    clause: for a latency the calls that took longer than `Clause.limit` or never completed (failed, timed out, dropped,
    unfinished, never started), else the calls that did not complete. `seconds` is the time in which they were intended
    to start; `stretches` has the counts of each of `STRETCHES` equal parts of it.
    """

    clause: str
    operation: str
    calls: int
    exceeding: int
    seconds: float
    stage: str | None = None
    stretches: tuple[Counted, ...] = ()
    """Empty in records made before stretches were counted."""


def parse(text: str) -> tuple[Clause, ...]:
    """Return the clauses of `p99<25ms,errors<0.1%,throughput>50/s`; raises `UsageError` for other text."""
    return tuple(_clause(part.strip()) for part in text.split(","))


def _clause(text: str) -> Clause:
    found = _CLAUSE.fullmatch(text)
    if found is None and "+" in text:
        raise UsageError(
            f"'{text}' limits growth, which takes one long run to judge",
            remedy="Give it to 'harness run' or 'harness locust'",
        )
    if found is None:
        raise UsageError(f"'{text}' is not a limit", remedy=_EXAMPLE)
    name, sign, number, unit = found.groups()
    if name == "max":
        raise UsageError(
            f"'{text}' cannot be certified: no number of calls bounds the next one",
            remedy="Limit a high percentile, such as p99.9",
        )
    if name == "throughput":
        return _throughput(text, sign, float(number), unit)
    if sign[0] != "<":
        raise UsageError(f"'{text}' requires more {name} instead of less", remedy=_EXAMPLE)
    return (
        _errors(text, float(number), unit) if name == "errors" else _latency(text, name, float(number), unit)
    )


def _latency(text: str, name: str, number: float, unit: str) -> Clause:
    percentile = _PERCENTILE.fullmatch(name)
    if percentile is None:
        raise UsageError(f"'{name}' in '{text}' is not a percentile, errors or throughput", remedy=_EXAMPLE)
    if unit not in _NS or number <= 0:
        raise UsageError(f"'{text}' is not a time", remedy=f"Use one of the units {', '.join(_NS)}")
    share = 1 - float(percentile[1]) / 100
    if not 0 < share < 1:
        raise UsageError(f"'{name}' in '{text}' is not a percentile between p0 and p100", remedy=_EXAMPLE)
    # Unrounded, 1 - 0.99 is slightly more than 0.01.
    return Clause(text, SloMetric.LATENCY, limit=number * _NS[unit], share=round(share, 12))


def _errors(text: str, number: float, unit: str) -> Clause:
    share = number / 100 if unit == "%" else number
    if unit not in {"", "%"} or not 0 < share < 1:
        raise UsageError(
            f"'{text}' is not a share of errors between 0 and 1, both excluded",
            remedy="Write it like errors<0.1%; no number of calls can show zero errors",
        )
    return Clause(text, SloMetric.ERRORS, share=share)


def _throughput(text: str, sign: str, number: float, unit: str) -> Clause:
    if sign[0] != ">" or unit not in {"", "/s"} or number <= 0:
        raise UsageError(f"'{text}' is not a minimum throughput", remedy=_EXAMPLE)
    return Clause(text, SloMetric.THROUGHPUT, limit=number)
