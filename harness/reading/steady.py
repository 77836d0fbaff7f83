"""Find the end of warm-up from the data: a finding about the run, which never changes its load.

Calls of warm-up are compared by service time with those of the last three quarters of the first measured stage
(response times would show a queue instead). Each bin of consecutive calls has Cliff's delta against the measured
time: over all pairs, the share slower less the share faster, with a dead band of a tenth or 20 us within which
neither is slower. Unlike a median it does not jump where a cache hits and misses about equally often, but shows
the additional misses. Warm-up ends at the first bin after which no bin is slower than the bins of the measured
time vary among themselves, or than chance allows for so few calls.
"""

import dataclasses
import enum
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.clock import NS_PER_S
from harness.model import Outcome
from harness.policy.thresholds import Thresholds
from harness.reading.summary import RunSummary
from harness.table.aside import Aside, is_of
from harness.table.calls import Table
from harness.table.pieces import pieces
from harness.units import format_ns, format_percent, format_s

_CALLS_PER_BIN = 20
_MOST_BINS = 25
_LEAST_CALLS = 60
_MOST_CALLS = 200_000
_SIGMAS = 2.5
_SMOOTHED = 3
_ROBUST = 1.4826
# The variance of Cliff's delta of one call against many of its own kind, and the share of a bin's that remains in the
# median of three bins (of three normal draws).
_VARIANCE = 1 / 3
_LEFT = 0.45
_LEAST_SHARE = 0.10
_LEAST_NS = 20_000.0

Floats = npt.NDArray[np.float64]


class Steadiness(enum.StrEnum):
    """Finding of the data on warm-up."""

    NO_WARMUP = "no warm-up"
    TOO_FEW = "too few calls"
    STEADY = "steady"
    NOT_STEADY = "not steady"
    FASTER = "faster"
    """Calls at its end were faster than later ones: load or target changed, so warm-up was not too short."""


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """End of warm-up against the measured time: the shares of calls that took longer than `over_ns`.

    `over_ns` is the time at which the two shares differ most.
    """

    over_ns: float
    then: float
    later: float

    @property
    def sentence(self) -> str:
        """The two shares in words."""
        return (
            f"{format_percent(self.then)} of its last calls took over {format_ns(self.over_ns)}, "
            f"{format_percent(self.later)} of those once measured"
        )


@dataclasses.dataclass(frozen=True, slots=True)
class WarmupFinding:
    """Finding on warm-up. `steady_after_s` counts from its start; None where unknown or never reached."""

    state: Steadiness
    planned_s: float
    steady_after_s: float | None = None
    difference: Difference | None = None

    @property
    def sentence(self) -> str:
        """The finding in words, as the continuation of `warm-up:`."""
        of = format_s(self.planned_s)
        words = self.difference.sentence if self.difference else ""
        match self.state:
            case Steadiness.NO_WARMUP:
                return "none"
            case Steadiness.TOO_FEW:
                return f"{of}; too few calls to tell when it was steady"
            case Steadiness.STEADY:
                return f"steady after {format_s(self.steady_after_s or 0.0)} of {of}"
            case Steadiness.FASTER:
                return f"faster at the end of {of} than later: {words}"
            case _:
                return f"not steady at the end of {of}: {words}"

    def as_json(self) -> dict[str, Any]:
        """Return the `warmup` of a run's JSON."""
        return {
            "state": self.state,
            "planned_s": self.planned_s,
            "steady_after_s": self.steady_after_s,
            "sentence": self.sentence,
        }


def end_of_warmup(run: RunSummary, thresholds: Thresholds | None = None) -> WarmupFinding:
    """Return the time from which calls of warm-up took as long as measured ones. Never raises."""
    limits = thresholds or run.document.thresholds or Thresholds()
    planned_s = run.document.plan.warmup_s
    if planned_s <= 0:
        return WarmupFinding(Steadiness.NO_WARMUP, 0.0)
    first = next(span for span in run.document.plan.spans if not span.warmup)
    times_s, warm = _service(run.warmup, -planned_s, 0.0)
    _, settled = _service(run.table, first.start_s + (first.end_s - first.start_s) / 4, first.end_s)
    if min(len(warm), len(settled)) < _LEAST_CALLS:
        return WarmupFinding(Steadiness.TOO_FEW, planned_s)
    bin_calls = max(_CALLS_PER_BIN, len(warm) // _MOST_BINS)
    slower = _smoothed(_slower(warm, settled), bin_calls)
    band = max(_chance(settled, bin_calls), limits.warmup_share)
    if abs(slower[-1]) > band:
        state = Steadiness.NOT_STEADY if slower[-1] > 0 else Steadiness.FASTER
        return WarmupFinding(state, planned_s, None, _difference(warm[-_SMOOTHED * bin_calls :], settled))
    outside = np.flatnonzero(slower > band)
    after_s = _starts(times_s, bin_calls)[outside[-1] + 1] + planned_s if len(outside) else 0.0
    return WarmupFinding(Steadiness.STEADY, planned_s, float(after_s))


def _service(table: Table, from_s: float, to_s: float) -> tuple[Floats, Floats]:
    """Return intended times in s and service times in ns of the completed calls of a span; of many, every n-th."""
    found, step = np.zeros((0, 2)), 1
    for piece in pieces(table):
        is_meant = (
            (piece["intended_ns"] >= from_s * NS_PER_S)
            & (piece["intended_ns"] < to_s * NS_PER_S)
            & is_of(piece, Aside.NOT)
        )
        rows = piece[is_meant & (piece["outcome"] == Outcome.COMPLETED)][::step]
        service_ns = rows["completed_ns"] - rows["entered_ns"]
        found = np.concatenate([found, np.column_stack((rows["intended_ns"] / NS_PER_S, service_ns))])
        while len(found) > _MOST_CALLS:
            found, step = found[::2], 2 * step
    return found[:, 0], found[:, 1]


def _slower(values: Floats, settled: Floats) -> Floats:
    """Return for each value the share of `settled` beyond the dead band below it, less the share above it."""
    ordered = np.sort(settled)
    dead = np.maximum(values * _LEAST_SHARE, _LEAST_NS)
    below = np.searchsorted(ordered, values - dead, side="left")
    above = len(ordered) - np.searchsorted(ordered, values + dead, side="right")
    difference: Floats = (below - above) / len(ordered)
    return difference


def _chance(settled: Floats, bin_calls: int) -> float:
    """Return the deviation of a bin that is still noise, from its few calls or as among bins of the measured time."""
    sampling = math.sqrt(_VARIANCE * (_LEFT / bin_calls + 1 / len(settled)))
    among_themselves = _ROBUST * float(np.median(np.abs(_smoothed(_slower(settled, settled), bin_calls))))
    return _SIGMAS * max(sampling, among_themselves)


def _bins(values: Floats, bin_calls: int) -> list[Floats]:
    return np.array_split(values, max(len(values) // bin_calls, 1))


def _starts(times_s: Floats, bin_calls: int) -> list[float]:
    return [float(part[0]) for part in _bins(times_s, bin_calls)]


def _smoothed(values: Floats, bin_calls: int) -> Floats:
    """Return the mean of each bin, smoothed by the median with its neighbours, so that a single stall is ignored."""
    raw = np.array([part.mean() for part in _bins(values, bin_calls)])
    first = np.clip(np.arange(len(raw)) - 1, 0, max(len(raw) - _SMOOTHED, 0))
    return np.array([np.median(raw[start : start + _SMOOTHED]) for start in first])


def _difference(then: Floats, later: Floats) -> Difference:
    values = np.unique(np.concatenate([then, later]))
    over_then, over_later = (
        1 - np.searchsorted(np.sort(sample), values, side="right") / len(sample) for sample in (then, later)
    )
    most = int(np.argmax(np.abs(over_then - over_later)))
    return Difference(float(values[most]), float(over_then[most]), float(over_later[most]))
