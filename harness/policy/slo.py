"""Parse absolute limits (SLO) from text, and certify them from counts alone.

    for clause in parse("p99<25ms,errors<0.1%"):
        certificate = certify(clause, calls=planned, exceeding=broke_it)
        print(certificate.state, certificate.sentence)

`calls` are all planned calls, `exceeding` those that broke the clause: for a latency the calls that took longer than
`clause.limit` nanoseconds or never completed (failed, timed out, dropped, unfinished, never started); for errors
the calls that did not complete; for a throughput the calls that did not complete within `seconds`.
A share of counts is certified with the bound of Clopper and Pearson: `p99<25ms` says that the true share of calls
over 25 ms is below 1 %; 298 calls without one over it are still too few to show that.
"""

import dataclasses
import enum
import re

import msgspec

from harness.errors import UsageError
from harness.stats.proportion import lower_bound, trials_below, upper_bound
from harness.units import format_ns, format_percent, format_rate

CONFIDENCE = 0.95
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


class State(enum.StrEnum):
    """The result of a clause."""

    CERTIFIED = "certified"
    BROKEN = "broken"
    NOT_CERTIFIED = "not certified"


@dataclasses.dataclass(frozen=True, slots=True)
class Clause:
    """One limit. `limit` is in ns for a latency, per second for a throughput, and unused for errors.

    `share` is the largest allowed share of calls beyond the limit: 0.01 for p99, the limit itself for errors.
    """

    text: str
    metric: SloMetric
    limit: float = 0.0
    share: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Certificate:
    """The result of a clause with its evidence. `low` and `high` bound the true share of breaking calls, each at 95 %.

    `more` is the number of further calls that would certify the clause at the same rate; None where no number would.
    """

    clause: Clause
    state: State
    calls: int
    exceeding: int
    low: float | None
    high: float | None
    more: int | None
    sentence: str


class LimitCount(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one clause of an absolute limit, such as `p99<25ms`, in a run or a segment. Counts are additive.

    `calls` are the planned calls of the operation (in the stage, if one is named), `exceeding` those that broke the
    clause: too slow, or never completed. For a clause on throughput `seconds` is the time in which the other calls
    completed.
    """

    clause: str
    operation: str
    calls: int
    exceeding: int
    seconds: float
    stage: str | None = None


def parse(text: str) -> tuple[Clause, ...]:
    """Return the clauses of `p99<25ms,errors<0.1%,throughput>50/s`; raises `UsageError` for other text."""
    return tuple(_clause(part.strip()) for part in text.split(","))


def _clause(text: str) -> Clause:
    found = _CLAUSE.fullmatch(text)
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


def certify(clause: Clause, *, calls: int, exceeding: int, seconds: float = 0.0) -> Certificate:
    """Return the certificate of `clause` for `exceeding` of `calls`; only a throughput needs `seconds`.

    Counts are additive: those of several runs under the same conditions may be certified together. Impossible counts
    (negative, or more exceeding than calls) and no calls at all certify nothing.
    """
    if not 0 <= exceeding <= calls or calls == 0:
        reason = "no calls" if calls == 0 else f"{exceeding} of {calls} calls is impossible"
        return Certificate(
            clause, State.NOT_CERTIFIED, calls, exceeding, None, None, None, f"not certified: {reason}"
        )
    if clause.metric is SloMetric.THROUGHPUT:
        return _certify_throughput(clause, calls, exceeding, seconds)
    return _certify_share(clause, calls, exceeding)


def _certify_share(clause: Clause, calls: int, exceeding: int) -> Certificate:
    low = lower_bound(exceeding, calls, CONFIDENCE)
    high = upper_bound(exceeding, calls, CONFIDENCE)
    state = (
        State.CERTIFIED
        if high <= clause.share
        else State.BROKEN
        if low > clause.share
        else State.NOT_CERTIFIED
    )
    needed = (
        trials_below(clause.share, exceeding / calls, CONFIDENCE) if state is State.NOT_CERTIFIED else None
    )
    more = None if needed is None else max(1, needed - calls)
    return Certificate(
        clause, state, calls, exceeding, low, high, more, _say(clause, state, calls, exceeding, more)
    )


def _say(clause: Clause, state: State, calls: int, exceeding: int, more: int | None) -> str:
    what = (
        "did not complete"
        if clause.metric is SloMetric.ERRORS
        else f"were over {format_ns(clause.limit)} or failed"
    )
    seen = f"{exceeding:,} of {calls:,} calls {what} (limit below {format_percent(clause.share)})"
    if state is not State.NOT_CERTIFIED:
        return f"{state}: {seen}"
    takes = (
        f"about {more:,} more at this rate would certify it"
        if more
        else "more calls at this rate cannot certify it"
    )
    return f"{state}: {seen}; {takes}"


def _certify_throughput(clause: Clause, calls: int, exceeding: int, seconds: float) -> Certificate:
    rate_per_s = (calls - exceeding) / seconds if seconds > 0 else 0.0
    state = State.CERTIFIED if rate_per_s > clause.limit else State.BROKEN
    sentence = f"{state}: {format_rate(rate_per_s)} completed (limit above {format_rate(clause.limit)})"
    return Certificate(clause, state, calls, exceeding, None, None, None, sentence)
