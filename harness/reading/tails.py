"""Divide the response times of the calls around a percentile into parts, with standard errors.

A percentile is a single call, too little to explain it. It is explained by the calls around it: of all calls of
the operation sorted by response time, as many around the percentile as lie above it, from p98.5 to p99.5 for p99.
Their mean is near the percentile and is the exact sum of its parts; reports state the difference between the two.

Standard errors: the measured time is cut into 20 slices, and each is left out once (delete-a-group jackknife). So
calls that were slow together, in one stall, count as one event.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from harness.clock import NS_PER_S
from harness.profiles.capture.wait import BUCKET_SHIFT
from harness.reading.summary import RunSummary
from harness.table import calls
from harness.table.histogram import Histogram, bucket_of
from harness.table.latency import latencies, returned
from harness.table.pieces import pieces

PARTS = ("lag_ns", "queue_ns", "run_ns", "wait_busy_ns", "wait_idle_ns")
STRETCHES = 20
LEAST_CALLS = 20
"""Fewest calls around a percentile that are reported."""
# Calls from this share on are kept one by one: enough for p95 also with a slice left out.
_TAIL = 0.85
_MOST_CALLS = 200_000
# Relative width of a bucket of the histogram.
_BUCKET_ERROR = 0.01

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Around:
    """Some calls of one operation: mean ns of each part with its standard error, None where unknown.

    `bucket_shares` is the share of the calls of each latency bucket (`harness.profiles.capture.wait`) among them.
    """

    calls: int
    parts_ns: Mapping[str, float]
    errors_ns: Mapping[str, float | None]
    bucket_shares: Mapping[int, float]


class Tail:
    """Slow calls of one operation, with the sums over all its calls; made by `read_tails`."""

    def __init__(
        self, response: Histogram, counts: Floats, sums: Floats, rows: npt.NDArray[np.int64], stride: int
    ) -> None:
        """Keep `counts[slice]` and `sums[part, slice]` of all calls; `rows` of slow ones: slice, response, parts."""
        self._counts = counts
        self._sums = sums
        self._stride = stride
        order = np.argsort(-rows[:, 1], kind="stable")
        self._stretch, self._response, self._parts = rows[order, 0], rows[order, 1], rows[order, 2:]
        self._in_buckets = _by_wait_bucket(response)

    @property
    def count(self) -> int:
        """Number of calls of the operation that returned."""
        return int(self._counts.sum())

    def mean(self) -> Around:
        """Return the mean parts of all calls."""
        whole = self._sums.sum(axis=1) / self.count
        left = self.count - self._counts
        without = [
            (self._sums.sum(axis=1) - self._sums[:, stretch]) / left[stretch]
            for stretch in np.flatnonzero((self._counts > 0) & (left > 0))
        ]
        return Around(self.count, _named(whole), _errors(without), dict.fromkeys(self._in_buckets, 1.0))

    def around(self, share: float) -> Around | None:
        """Return the calls around a percentile; None where they are fewer than `LEAST_CALLS`."""
        first, last = self._ranks(share, self.count)
        if last - first < LEAST_CALLS:
            return None
        without = []
        for stretch in np.flatnonzero(self._counts):
            rest = np.flatnonzero(self._stretch != stretch)
            begin, end = self._ranks(share, self.count - self._counts[stretch])
            if len(rest[begin:end]):
                without.append(self._parts[rest[begin:end]].mean(axis=0))
        buckets, in_band = np.unique(
            bucket_of(self._response[first:last]) >> BUCKET_SHIFT, return_counts=True
        )
        shares = {
            bucket: min(count * self._stride / self._in_buckets[bucket], 1.0)
            for bucket, count in zip(buckets.tolist(), in_band.tolist(), strict=True)
        }
        whole = self._parts[first:last].mean(axis=0)
        return Around(last - first, _named(whole), _errors(without), shares)

    def _ranks(self, share: float, count: float) -> tuple[int, int]:
        """Return the first and last rank of the calls around a percentile, counted from the slowest call."""
        above = (1 - share) * count / self._stride
        return round(above / 2), round(above * 1.5)


def needed(share: float) -> int:
    """Return the number of calls of an operation needed to report those around a percentile."""
    return round(LEAST_CALLS / (1 - share))


def read_tails(run: RunSummary) -> dict[str, Tail]:
    """Return the slow calls of each operation; empty without the split of service."""
    names = list(run.operations)
    response = [operation.histograms["response_ns"] for operation in run.operations.values()]
    floors = np.array([(found.percentile(_TAIL) or 0) * (1 - _BUCKET_ERROR) for found in response])
    strides = np.array([1 + int(found.count * (1 - _TAIL)) // _MOST_CALLS for found in response])
    cells = len(names) * STRETCHES
    counts, sums = np.zeros(cells), np.zeros((len(PARTS), cells))
    kept, start = [], 0
    for piece in pieces(run.table):
        rows = returned(piece)
        rows = rows[rows["run_ns"] >= 0]
        operation = rows["operation"].astype(np.int64)
        stretch = _stretches(rows, run.document.plan.duration_s)
        times = latencies(rows)
        cell = operation * STRETCHES + stretch
        counts += np.bincount(cell, minlength=cells)
        for number, part in enumerate(PARTS):
            sums[number] += np.bincount(cell, weights=times[part], minlength=cells)
        is_kept = times["response_ns"] >= floors[operation]
        is_kept &= (np.arange(start, start + len(rows)) % strides[operation]) == 0
        start += len(rows)
        columns = [operation, stretch, times["response_ns"], *(times[part] for part in PARTS)]
        kept.append(np.stack([column[is_kept] for column in columns], axis=1))
    slow = np.concatenate(kept) if kept else np.zeros((0, 3 + len(PARTS)), np.int64)
    by_operation = counts.reshape(len(names), STRETCHES)
    return {
        name: Tail(
            response[number],
            by_operation[number],
            sums.reshape(len(PARTS), len(names), STRETCHES)[:, number],
            slow[slow[:, 0] == number, 1:],
            int(strides[number]),
        )
        for number, name in enumerate(names)
        if by_operation[number].any()
    }


def _stretches(rows: calls.Table, duration_s: float) -> npt.NDArray[np.int64]:
    place = rows["intended_ns"] * STRETCHES // max(round(duration_s * NS_PER_S), 1)
    found: npt.NDArray[np.int64] = np.clip(place, 0, STRETCHES - 1).astype(np.int64)
    return found


def _by_wait_bucket(response: Histogram) -> dict[int, int]:
    found: dict[int, int] = {}
    for bucket, count in zip(response.buckets.tolist(), response.counts.tolist(), strict=True):
        found[bucket >> BUCKET_SHIFT] = found.get(bucket >> BUCKET_SHIFT, 0) + count
    return found


def _named(values: Floats) -> dict[str, float]:
    return dict(zip(PARTS, values.tolist(), strict=True))


def _errors(without: Sequence[Floats]) -> Mapping[str, float | None]:
    """Return the standard error of each part from its estimates with one slice left out (Efron and Stein, 1981)."""
    if len(without) < STRETCHES // 2:
        return dict.fromkeys(PARTS)
    estimates = np.array(without)
    spread = ((estimates - estimates.mean(axis=0)) ** 2).sum(axis=0)
    return _named(np.sqrt(spread * (len(without) - 1) / len(without)))
