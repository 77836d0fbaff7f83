"""Where warm-up ended, from the data: a finding about the run, which never changes its load.

Service times (response times would show a queue instead) are taken as medians of short bins, smoothed over three of them,
and held against those of the first measured stage from its quarter on. Steady is from where no later bin of warm-up
leaves the band around that median: three robust standard deviations of its bins, a tenth of it, or 20 us, whichever is
the widest.
"""

import dataclasses
import enum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.calls import Table
from harness.clock import NS_PER_S
from harness.model import Outcome
from harness.pieces import pieces
from harness.units import format_ns

if TYPE_CHECKING:
    from harness.summary import RunSummary

_CALLS_PER_BIN = 20
_MOST_BINS = 50
_LEAST_CALLS = 60
_MOST_CALLS = 200_000
_SIGMAS = 3 * 1.4826
_LEAST_SHARE = 0.10
_LEAST_NS = 20_000.0

Floats = npt.NDArray[np.float64]


class Steadiness(enum.StrEnum):
    """What the data say of warm-up."""

    NO_WARMUP = "no warm-up"
    TOO_FEW = "too few calls"
    STEADY = "steady"
    NOT_STEADY = "not steady"


@dataclasses.dataclass(frozen=True, slots=True)
class WarmupFinding:
    """`steady_after_s` counts from the start of warm-up; None where it was not steady at its end, or nothing is known."""

    state: Steadiness
    planned_s: float
    steady_after_s: float | None = None
    last_ns: float | None = None
    settled_ns: float | None = None

    @property
    def sentence(self) -> str:
        """The finding for people, as the continuation of `warm-up:`."""
        of = f"{self.planned_s:.3g} s"
        match self.state:
            case Steadiness.NO_WARMUP:
                return "none"
            case Steadiness.TOO_FEW:
                return f"{of}; too few calls to tell when it was steady"
            case Steadiness.STEADY:
                return f"steady after {self.steady_after_s or 0.0:.2g} s of {of}"
            case _:
                return (
                    f"not steady at the end of {of}: a median service time of {format_ns(self.last_ns)} there, of "
                    f"{format_ns(self.settled_ns)} once measured"
                )

    def as_json(self) -> dict[str, Any]:
        """Return the `warmup` of a run's JSON."""
        return {
            "state": self.state,
            "planned_s": self.planned_s,
            "steady_after_s": self.steady_after_s,
            "sentence": self.sentence,
        }


def end_of_warmup(run: "RunSummary") -> WarmupFinding:
    """Return when the calls of warm-up began to take what the measured ones take. Total."""
    planned_s = run.document.plan.warmup_s
    if planned_s <= 0:
        return WarmupFinding(Steadiness.NO_WARMUP, 0.0)
    first = next(span for span in run.document.plan.spans if not span.warmup)
    warm = _service(run.warmup, -planned_s, 0.0)
    settled = _service(run.table, first.start_s + (first.end_s - first.start_s) / 4, first.end_s)
    if min(len(warm[0]), len(settled[0])) < _LEAST_CALLS:
        return WarmupFinding(Steadiness.TOO_FEW, planned_s)
    return _found(warm, settled, planned_s)


def _service(table: Table, from_s: float, to_s: float) -> tuple[Floats, Floats]:
    """Return times in s and service times in ns of calls intended in that span that completed; not of all, if they are many."""
    found = [table[:0]]
    for piece in pieces(table):
        if sum(map(len, found)) >= _MOST_CALLS:
            break
        is_meant = (piece["intended_ns"] >= from_s * NS_PER_S) & (piece["intended_ns"] < to_s * NS_PER_S)
        found.append(piece[is_meant & (piece["outcome"] == Outcome.COMPLETED)])
    rows = np.concatenate(found)
    return rows["intended_ns"] / NS_PER_S, (rows["completed_ns"] - rows["entered_ns"]).astype(float)


def _found(warm: tuple[Floats, Floats], settled: tuple[Floats, Floats], planned_s: float) -> WarmupFinding:
    bins = min(len(warm[0]) // _CALLS_PER_BIN, _MOST_BINS)
    edges, medians = _medians(*warm, bins, -planned_s, 0.0)
    _, later = _medians(
        *settled, max(len(settled[0]) // _CALLS_PER_BIN, 1), settled[0].min(), settled[0].max()
    )
    middle = float(np.median(later))
    spread = float(np.median(np.abs(later - middle)))
    band = max(_SIGMAS * spread, _LEAST_SHARE * middle, _LEAST_NS)
    outside = np.flatnonzero(np.abs(medians - middle) > band)
    if not len(outside):
        return WarmupFinding(Steadiness.STEADY, planned_s, 0.0)
    last = int(outside[-1])
    if last == len(medians) - 1:
        return WarmupFinding(Steadiness.NOT_STEADY, planned_s, None, float(medians[-1]), middle)
    return WarmupFinding(Steadiness.STEADY, planned_s, float(edges[last + 1]) + planned_s)


def _medians(times_s: Floats, values: Floats, bins: int, from_s: float, to_s: float) -> tuple[Floats, Floats]:
    """Return the start and the median of each bin that holds calls, each median smoothed with its neighbours."""
    edges = np.linspace(from_s, to_s, bins + 1)
    place = np.clip(np.searchsorted(edges, times_s, side="right") - 1, 0, bins - 1)
    starts, medians = [], []
    for number in range(bins):
        mine = values[place == number]
        if len(mine):
            starts.append(edges[number])
            medians.append(float(np.median(mine)))
    raw = np.array(medians)
    smooth = [float(np.median(raw[max(min(i - 1, len(raw) - 3), 0) : i + 2])) for i in range(len(raw))]
    return np.array(starts), np.array(smooth)
