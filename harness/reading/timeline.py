"""Divide the measured time into bins: planned and completed calls, and their response times."""

import dataclasses
import itertools
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from harness.clock import NS_PER_S
from harness.model import Outcome
from harness.table import calls
from harness.table.aside import has_time
from harness.table.histogram import Histogram, Integers, least_count
from harness.table.latency import returned
from harness.table.pieces import pieces

_MOST_BINS = 120
_NEVER_NS = np.iinfo(np.int64).max
_CALLS_PER_BIN = 8
_DECIMALS = 11

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Timeline:
    """Measured time in equal bins; reports use at most 120, so that 3 s are as readable as 1 h."""

    bin_s: float
    planned: Integers
    """Number of intended starts by bin."""
    completed: Integers
    """Number of completed calls by bin of their completion; those after the last bin are not counted."""
    failed: Integers
    dropped: Integers
    waiting: Floats
    """Mean number of calls over the bin that were due but not yet sent."""
    in_flight: Floats
    """Mean number of calls over the bin that were in flight."""
    response: tuple[Histogram, ...]
    """Response times of the calls that returned, by the bin of their intended start."""

    @property
    def start_s(self) -> npt.NDArray[np.floating[Any]]:
        """Start of each bin in s."""
        return np.arange(len(self.planned)) * self.bin_s

    def over_time(self, share: float) -> Floats:
        """Return the percentile of the response times of each bin, in ns; NaN where no call returned."""
        values = [histogram.percentile(share) for histogram in self.response]
        return np.array([np.nan if value is None else value for value in values], float)

    def tail_over_time(self) -> tuple[str, Floats]:
        """Return name and ns of the tail of each bin: p99, or the slowest call where most bins have too few calls."""
        counts = [histogram.count for histogram in self.response if histogram.count]
        if counts and np.median(counts) >= least_count(0.99):
            return "p99", self.over_time(0.99)
        return "max", self.over_time(1.0)

    @classmethod
    def of(cls, table: calls.Table, duration_s: float) -> Self:
        """Return the time line of the calls in `table`, in enough bins to show changes over time.

        Their number is small enough for each bin to hold a useful number of calls.
        """
        bins = max(min(_MOST_BINS, int(duration_s * 10), len(table) // _CALLS_PER_BIN), 1)
        return cls.in_bins(table, duration_s / bins, bins)

    @classmethod
    def in_bins(cls, table: calls.Table, bin_s: float, bins: int) -> Self:
        """Return the time line of the calls in `table` in `bins` bins of `bin_s` from time zero."""
        found = cls.empty(bin_s, bins)
        for piece in pieces(table):
            found = found.with_calls(piece)
        return found

    @classmethod
    def empty(cls, bin_s: float, bins: int) -> Self:
        """Return the time line of no calls."""
        none, nobody = np.zeros(bins, np.int64), np.zeros(bins, np.float64)
        return cls(bin_s, none, none, none, none, nobody, nobody, (Histogram.empty(),) * bins)

    def with_calls(self, table: calls.Table) -> Self:
        """Return this time line with more calls added; times beyond its bins are not counted."""
        outcome, completed_ns = table["outcome"], table["completed_ns"]
        failed = np.isin(outcome, [Outcome.FAILED, Outcome.TIMED_OUT])
        let_go_ns = np.where(outcome == Outcome.NEVER_STARTED, _NEVER_NS, table["dispatched_ns"])
        let_go = table[(outcome != Outcome.NEVER_STARTED) & (outcome != Outcome.DROPPED)]
        back_ns = np.where(let_go["outcome"] == Outcome.UNFINISHED, _NEVER_NS, let_go["completed_ns"])
        return dataclasses.replace(
            self,
            planned=self.planned + self._count(table["intended_ns"]),
            completed=self.completed + self._count(completed_ns[outcome == Outcome.COMPLETED]),
            failed=self.failed + self._count(completed_ns[failed]),
            dropped=self.dropped + self._count(table["intended_ns"][outcome == Outcome.DROPPED]),
            waiting=_exact(self.waiting + self._present(table["intended_ns"], let_go_ns)),
            in_flight=_exact(self.in_flight + self._present(let_go["dispatched_ns"], back_ns)),
            response=self._responses(returned(table[has_time(table)])),
        )

    def _count(self, times_ns: Integers) -> Integers:
        bins = len(self.planned)
        place = (times_ns / (self.bin_s * NS_PER_S)).astype(np.int64)
        return np.bincount(place[(place >= 0) & (place < bins)], minlength=bins).astype(np.int64)

    def _present(self, came_ns: Integers, left_ns: Integers) -> Floats:
        """Return the mean number present in each bin: the sum of the times spent in it, divided by the bin's length."""
        return self._since(came_ns) - self._since(left_ns)

    def _since(self, times_ns: Integers) -> Floats:
        """Return for each bin the share of it after each of the times, summed over the times."""
        bins = len(self.planned)
        place = np.clip(times_ns / (self.bin_s * NS_PER_S), 0, bins)
        first = place.astype(np.int64)
        partly = np.bincount(first, weights=first + 1 - place, minlength=bins + 1)
        count = np.bincount(first, minlength=bins + 1)
        before = np.cumsum(count) - count
        since: Floats = (partly + before)[:bins]
        return since

    def _responses(self, rows: calls.Table) -> tuple[Histogram, ...]:
        bins = len(self.planned)
        start_bin = np.clip((rows["intended_ns"] / (self.bin_s * NS_PER_S)).astype(np.int64), 0, bins - 1)
        order = np.argsort(start_bin, kind="stable")
        response = np.maximum((rows["completed_ns"] - rows["intended_ns"])[order], 0)
        edges = np.searchsorted(start_bin[order], np.arange(bins + 1))
        return tuple(
            before if low == high else Histogram.merge([before, Histogram.of(response[low:high])])
            for before, (low, high) in zip(self.response, itertools.pairwise(edges), strict=True)
        )


def _exact(present: Floats) -> Floats:
    """Return the numbers without rounding errors of the order of addition; whole nanoseconds of a bin stay exact."""
    return np.round(present, _DECIMALS)
