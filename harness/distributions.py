"""`timing/histograms.npz`: the latencies of a run as histograms that merge, far smaller than its table of calls.

One histogram for each operation, stage, outcome, second and metric. Those of several runs (or of the parts of one)
merge to exactly what their calls together would give, so percentiles over machines or days need no raw data:

    counts = numpy.load("histograms.npz")["counts"]    # operation, stage, outcome, second, metric, bucket, count

`operation`, `stage` and `metric` are numbers in the order of `run.json`'s plan and of `harness.latency.METRICS`.
"""

import dataclasses
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from harness import calls
from harness.clock import NS_PER_S
from harness.errors import InvalidRunError
from harness.histogram import Histogram, bucket_of
from harness.latency import METRICS, latencies, returned
from harness.plan import Span, stage_of
from harness.run import write_atomically

_KEY: list[Any] = [
    ("operation", "<u2"),
    ("stage", "u1"),
    ("outcome", "u1"),
    ("second", "<i4"),
    ("metric", "u1"),
]
COUNTS = np.dtype([*_KEY, ("bucket", "<u2"), ("count", "<i8")])
MOMENTS = np.dtype([*_KEY, ("count", "<i8"), ("total", "<i8"), ("low", "<i8"), ("high", "<i8")])
_KEY_NAMES = [name for name, _ in _KEY]

Rows = npt.NDArray[np.void]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Distributions:
    """All histograms of a run: `counts` by bucket, and the exact `moments` of each, both sorted by key."""

    counts: Rows
    moments: Rows

    @classmethod
    def of(cls, table: calls.Table, spans: Sequence[Span]) -> Self:
        """Return the distributions of the calls in `table` that returned; rows of warm-up are not its business."""
        rows = returned(table)
        key = np.zeros(len(rows), np.dtype(_KEY))
        key["operation"], key["outcome"] = rows["operation"], rows["outcome"]
        key["stage"] = stage_of(rows["intended_ns"], spans)
        key["second"] = rows["intended_ns"] // NS_PER_S
        parts = []
        for number, values in enumerate(latencies(rows).values()):
            known = values >= 0
            mine = key[known]
            mine["metric"] = number
            parts.append((mine, values[known]))
        return cls(*_grouped(np.concatenate([k for k, _ in parts]), np.concatenate([v for _, v in parts])))

    @classmethod
    def merge(cls, parts: Sequence["Distributions"]) -> Self:
        """Return the distributions of all calls of `parts`, equal bit for bit to `of` the calls together."""
        counts = np.concatenate([part.counts for part in parts])
        moments = np.concatenate([part.moments for part in parts])
        order, starts = _groups(counts[[*_KEY_NAMES, "bucket"]])
        merged_counts = counts[order][starts]
        merged_counts["count"] = _sums(counts["count"][order], starts)
        order, starts = _groups(moments[_KEY_NAMES])
        merged = moments[order][starts]
        for name in ("count", "total"):
            merged[name] = _sums(moments[name][order], starts)
        if len(starts):
            merged["low"] = np.minimum.reduceat(moments["low"][order], starts)
            merged["high"] = np.maximum.reduceat(moments["high"][order], starts)
        return cls(merged_counts, merged)

    def histogram(self, metric: str, **where: int) -> Histogram:
        """Return one metric's histogram over all keys that match `where`, such as `operation=0, second=3`."""
        where = {"metric": METRICS.index(metric), **where}
        moments = _matching(self.moments, where)
        if not len(moments):
            return Histogram.empty()
        counts = _matching(self.counts, where)
        by_bucket = np.zeros(int(counts["bucket"].max()) + 1, np.int64)
        np.add.at(by_bucket, counts["bucket"], counts["count"])
        buckets = np.flatnonzero(by_bucket).astype(np.int64)
        return Histogram(
            buckets,
            by_bucket[buckets],
            int(moments["count"].sum()),
            int(moments["total"].sum()),
            int(moments["low"].min()),
            int(moments["high"].max()),
        )

    def write(self, path: Path) -> None:
        """Replace the file, at once and whole."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, counts=self.counts, moments=self.moments)
        write_atomically(path, buffer.getvalue())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what `write` wrote. Raises `InvalidRunError` if the file is missing or damaged."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                found = cls(file["counts"], file["moments"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise _damaged(path, str(error)) from error
        if (found.counts.dtype, found.moments.dtype) != (COUNTS, MOMENTS):
            raise _damaged(path, "it has other columns")
        return found


def _damaged(path: Path, why: str) -> InvalidRunError:
    return InvalidRunError(
        f"The histograms of the run cannot be read: {why}",
        where=str(path),
        remedy="They can be made again from the table of calls",
    )


def _grouped(key: Rows, values: npt.NDArray[np.int64]) -> tuple[Rows, Rows]:
    """Return counts and moments of values under their keys."""
    with_bucket = np.zeros(len(key), COUNTS)
    for name in _KEY_NAMES:
        with_bucket[name] = key[name]
    with_bucket["bucket"] = bucket_of(values)
    order, starts = _groups(with_bucket[[*_KEY_NAMES, "bucket"]])
    counts = with_bucket[order][starts]
    counts["count"] = np.diff([*starts, len(key)])
    order, starts = _groups(key)
    moments = np.zeros(len(starts), MOMENTS)
    for name in _KEY_NAMES:
        moments[name] = key[name][order][starts]
    if len(starts):
        moments["count"] = np.diff([*starts, len(key)])
        moments["total"] = np.add.reduceat(values[order], starts)
        moments["low"] = np.minimum.reduceat(values[order], starts)
        moments["high"] = np.maximum.reduceat(values[order], starts)
    return counts, moments


def _groups(keys: Rows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the order that sorts `keys`, and where each distinct key starts in it."""
    names = keys.dtype.names or ()
    order = np.lexsort([keys[name] for name in reversed(names)]).astype(np.int64)
    changed = np.zeros(len(keys), bool)
    if len(keys):
        changed[0] = True
        for name in names:
            column = keys[name][order]
            changed[1:] |= column[1:] != column[:-1]
    return order, np.flatnonzero(changed).astype(np.int64)


def _sums(values: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    sums: npt.NDArray[np.int64] = np.add.reduceat(values, starts) if len(starts) else values
    return sums


def _matching(rows: Rows, where: dict[str, int]) -> Rows:
    chosen = np.ones(len(rows), bool)
    for name, value in where.items():
        chosen &= rows[name] == value
    return rows[chosen]
