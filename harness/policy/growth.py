"""Judge whether a quantity of a process grows over a run, from its samples alone: memory, descriptors, threads.

    verdict = growth_of(QUANTITIES["rss"], times_s, values, calls_per_s=50.0)
    print(verdict.state, verdict.sentence)

It does not matter where the samples come from. The first third of the time is left to warm-up. *Grows* needs an
interval above zero and growth that goes on in the second half of the rest; *flat* needs one below what would matter, over
the rest of the run or its last part, so that a cache that has filled is flat. All else is *cannot tell*.

A limit (`rss<+5MB/h`) replaces what would matter; `fds<+0` asks for flat. It is broken if the quantity grows and the
interval is above the limit.
"""

import dataclasses
import enum
import re
from collections.abc import Callable, Iterable, Sequence

from harness.errors import UsageError
from harness.policy.slo import State
from harness.stats.growth import Slope, slope
from harness.units import format_minutes, format_size, significant

LEAST_S = 60.0
"""Length of the shortest run whose growth is judged."""
_HOUR_S = 3600.0
_WARMUP = 1 / 3
_LATER = (1 / 2, 2 / 3)
# Needed times are estimates, and beyond a day there is little sense in one.
_RESERVE, _LONGEST_S = 1.1, 24 * _HOUR_S
_MB = 1e6


class Course(enum.StrEnum):
    """The course of a quantity over a run."""

    GROWS = "grows"
    FLAT = "flat"
    CANNOT_TELL = "cannot tell"


@dataclasses.dataclass(frozen=True, slots=True)
class Quantity:
    """A sampled quantity, in base units.

    `tolerance` is the growth per hour up to which it is flat, unless a limit says otherwise; `least` the smallest step that
    a sample shows; `ignored` the growth per hour that is never called growth.
    """

    key: str
    name: str
    unit: str
    tolerance: float
    least: float = 1.0
    ignored: float = 0.0

    def written(self, value: float) -> str:
        """Return a value with its unit."""
        return format_size(value) if self.unit == "B" else significant(value)


QUANTITIES = {
    one.key: one
    for one in (
        # The kernel counts memory in batches of pages.
        Quantity("rss", "memory", "B", tolerance=10 * _MB, least=0.25 * _MB, ignored=0.5 * _MB),
        Quantity("blocks", "Python blocks", "", tolerance=100_000, least=100, ignored=5_000),
        Quantity("fds", "descriptors", "", tolerance=10),
        Quantity("threads", "threads", "", tolerance=10),
        Quantity("tasks", "tasks", "", tolerance=10),
        Quantity("greenlets", "greenlets", "", tolerance=10),
        Quantity("processes", "processes", "", tolerance=10),
    )
}
"""Quantities by the name that a limit gives them."""


@dataclasses.dataclass(frozen=True, slots=True)
class GrowthLimit:
    """A limit such as `rss<+5MB/h`: the growth per hour in base units; 0 asks for a flat course."""

    text: str
    quantity: str
    per_hour: float


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The course of a quantity, per hour and in base units; figures are None where there are too few samples.

    `per_call` is growth per call with its interval, None without calls. `more_s` is the further time that would decide it,
    None where it is decided or no time would.
    """

    quantity: Quantity
    course: Course
    sentence: str
    per_hour: float | None = None
    low: float | None = None
    high: float | None = None
    per_call: tuple[float, float, float] | None = None
    more_s: float | None = None
    own: float = 0.0
    """Growth per hour that may be the measuring program's."""


def growth_of(
    quantity: Quantity,
    times_s: Sequence[float],
    values: Sequence[float],
    *,
    calls_per_s: float | None = None,
    tolerance: float | None = None,
    own: float = 0.0,
) -> Verdict:
    """Return the verdict on a series; its first and last time are the run. `tolerance` per hour replaces the quantity's own.

    `own` is the growth per hour that is at most the measuring program's: only growth beyond it counts.
    `times_s` ascend. Returns *cannot tell* for a run under a minute, and where samples are missing.
    """
    span_s = times_s[-1] - times_s[0] if len(times_s) else 0.0
    if span_s < LEAST_S:
        more_s = LEAST_S - span_s
        return Verdict(
            quantity, Course.CANNOT_TELL, f"cannot tell: needs {format_minutes(more_s)} more", more_s=more_s
        )

    def window(share: float) -> Slope | None:
        return slope(times_s, values, times_s[0] + share * span_s, times_s[-1], quantity.least)

    whole = window(_WARMUP)
    if whole is None:
        return Verdict(quantity, Course.CANNOT_TELL, "cannot tell: samples are missing")
    quantity = dataclasses.replace(quantity, ignored=quantity.ignored + own)
    allowed = own + (quantity.tolerance if tolerance is None else tolerance)
    made = _Judging(quantity, whole, span_s, calls_per_s or 0.0, allowed, own)
    return made.verdict([later for share in _LATER if (later := window(share))])


@dataclasses.dataclass(frozen=True, slots=True)
class _Judging:
    """The slope of a run without its first third, and what is asked of it."""

    quantity: Quantity
    whole: Slope
    span_s: float
    calls_per_s: float
    tolerance: float
    own: float

    def verdict(self, later: Iterable[Slope]) -> Verdict:
        whole, ignored = self.whole, self.quantity.ignored / _HOUR_S
        if whole.low > ignored and not whole.slows:
            return self._made(Course.GROWS, whole, self._growing)
        flat = next((one for one in (whole, *later) if one.high * _HOUR_S <= self.tolerance), None)
        if flat:
            return self._made(Course.FLAT, flat, self._flat)
        return self._made(Course.CANNOT_TELL, whole, self._open, self._more_s())

    def _made(
        self, course: Course, seen: Slope, words: Callable[[Slope], str], more_s: float | None = None
    ) -> Verdict:
        per_hour, low, high = (value * _HOUR_S for value in (seen.per_s, seen.low, seen.high))
        per_s = self.calls_per_s
        return Verdict(
            self.quantity, course, words(seen), per_hour, low, high,
            (seen.per_s / per_s, seen.low / per_s, seen.high / per_s) if per_s > 0 else None, more_s, self.own,
        )  # fmt: skip

    def _growing(self, seen: Slope) -> str:
        write, (per_hour, low, high) = self.quantity.written, self._per_hour(seen)
        said = f"grows by {write(per_hour)} an hour ({write(low)} to {write(high)})"
        return f"{said}, {write(seen.per_s / self.calls_per_s)} a call" if self.calls_per_s > 0 else said

    def _flat(self, seen: Slope) -> str:
        return f"flat within {self.quantity.written(max(self._per_hour(seen)[2], 0.0))} an hour"

    def _open(self, seen: Slope) -> str:
        write, (per_hour, low, high) = self.quantity.written, self._per_hour(seen)
        why = (
            "it still settles" if seen.slows else f"{write(per_hour)} an hour ({write(low)} to {write(high)})"
        )
        more_s = self._more_s()
        needs = (
            "more time hardly decides it" if more_s is None else f"needs about {format_minutes(more_s)} more"
        )
        return f"cannot tell: {why}; {needs}"

    def _per_hour(self, seen: Slope) -> tuple[float, float, float]:
        return seen.per_s * _HOUR_S, seen.low * _HOUR_S, seen.high * _HOUR_S

    def _more_s(self) -> float | None:
        """Return the further time after which the interval would exclude either zero or the tolerance."""
        whole = self.whole
        if whole.slows:
            # As long again: what filled or warmed up then lies in the first third, or shows that it goes on.
            return self.span_s
        reach = max(whole.per_s - self.quantity.ignored / _HOUR_S, self.tolerance / _HOUR_S - whole.per_s)
        if reach <= 0 or whole.half_width <= 0:
            return self.span_s
        longer = max((whole.half_width / reach) ** (1 / whole.narrows), 1.1)
        more_s = self.span_s * (longer * _RESERVE - 1)
        return more_s if more_s <= _LONGEST_S else None


def limited(verdict: Verdict, limit: GrowthLimit) -> State:
    """Return the state of a limit from the verdict that `growth_of` made with the limit's tolerance."""
    if (
        verdict.course is Course.GROWS
        and verdict.low is not None
        and verdict.low > limit.per_hour + verdict.own
    ):
        return State.BROKEN
    known = verdict.course is not Course.CANNOT_TELL and verdict.high is not None
    return State.CERTIFIED if known and (verdict.high or 0.0) <= tolerance_of(limit) else State.NOT_CERTIFIED


def tolerance_of(limit: GrowthLimit) -> float:
    """Return the growth per hour that a limit allows: of one that allows none, what still counts as flat."""
    return limit.per_hour or QUANTITIES[limit.quantity].tolerance


_LIMIT = re.compile(
    r"(?P<name>[a-z]+)\s*<=?\s*\+\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z]*)\s*(?P<hour>/h)?"
)
_UNITS = {
    "B": {"": 1.0, "B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
}  # fmt: skip
_LIKE = re.compile(rf"\s*(?:(?:{'|'.join(QUANTITIES)})\b|[^<>]*[<>]=?\s*\+)")
_EXAMPLE = "Write it like rss<+5MB/h or fds<+0"


def split(text: str) -> tuple[str, tuple[GrowthLimit, ...]]:
    """Return the clauses of `p99<25ms,rss<+5MB/h` that limit calls, as text, and those that limit growth.

    A clause limits growth if its limit has a plus sign, or it names a quantity that can grow. Raises `UsageError` for one that cannot be parsed.
    """
    parts = text.split(",")
    growing = [part for part in parts if _LIKE.match(part)]
    return ",".join(part for part in parts if part not in growing), tuple(map(_limit, growing))


def _limit(text: str) -> GrowthLimit:
    text = text.strip()
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise UsageError(f"'{text}' is not a limit of growth", remedy=_EXAMPLE)
    name, number, unit, hour = found.groups()
    if name not in QUANTITIES:
        raise UsageError(
            f"'{name}' in '{text}' does not grow", remedy=f"Limit the growth of {', '.join(QUANTITIES)}"
        )
    units = _UNITS.get(QUANTITIES[name].unit, {"": 1.0})
    if unit not in units or (units.keys() != {""} and not unit and float(number)):
        raise UsageError(f"'{text}' has no unit of {QUANTITIES[name].name}", remedy=_EXAMPLE)
    if not hour and float(number):
        raise UsageError(f"'{text}' does not say in which time", remedy=f"{_EXAMPLE}, in an hour")
    return GrowthLimit(text, name, float(number) * units[unit])
