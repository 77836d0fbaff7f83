"""Store the latencies of a run as mergeable histograms, far smaller than its table of calls: `timing/histograms.npz`.

There is one histogram for each operation, stage, outcome, second and metric. In runs of over 300 s several seconds share
one, named by the first of them, so that the file does not grow with the length of a run (`harness export` splits calls by
second at any length). The histograms of several runs, or of the parts of one, merge to exactly the histogram of all their
calls, so percentiles over machines or days need no raw data:

    counts = numpy.load("histograms.npz")["counts"]    # operation, stage, outcome, second, metric, bucket, count

`operation`, `stage` and `metric` are numbers in the order of `run.json`'s plan and of `harness.table.latency.METRICS`.
"""

import dataclasses
import io
import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from harness.clock import NS_PER_S
from harness.errors import InvalidRunError
from harness.plans.plan import stage_of
from harness.plans.span import Span
from harness.run.directory import write_atomically
from harness.storage import files
from harness.table import calls
from harness.table.histogram import Histogram, bucket_of
from harness.table.latency import METRICS, latencies, returned
from harness.table.pieces import pieces

_KEY: list[Any] = [
    ("operation", "<u2"),
    ("stage", "u1"),
    ("outcome", "u1"),
    ("second", "<i4"),
    ("metric", "u1"),
]
COUNTS = np.dtype([*_KEY, ("bucket", "<u2"), ("count", "<i8")])
MOMENTS = np.dtype([*_KEY, ("count", "<i8"), ("total", "<i8"), ("low", "<i8"), ("high", "<i8")])
_PIECE_ROWS = 65_536
_MOST_PERIODS = 300
_KEY_NAMES = [name for name, _ in _KEY]

Rows = npt.NDArray[np.void]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Distributions:
    """All histograms of a run: `counts` by bucket and the exact `moments` of each, both sorted by key."""

    counts: Rows
    moments: Rows

    @classmethod
    def of(cls, table: calls.Table, spans: Sequence[Span]) -> Self:
        """Return the distributions of the calls in `table` that returned, without the warm-up.

        A long table is read in chunks, so that the memory needed does not grow with it.
        """
        parts: list[Self] = []
        for piece in pieces(table, _PIECE_ROWS):
            parts.append(cls._of_piece(piece, spans))
            # Merge parts of similar size, so that a histogram is merged at most log2(chunks) times.
            while len(parts) > 1 and 2 * len(parts[-1].counts) >= len(parts[-2].counts):
                parts[-2:] = [cls.merge(parts[-2:])]
        return cls.merge(parts) if parts else cls._of_piece(table, spans)

    @classmethod
    def _of_piece(cls, table: calls.Table, spans: Sequence[Span]) -> Self:
        rows = returned(table)
        key = np.zeros(len(rows), np.dtype(_KEY))
        key["operation"], key["outcome"] = rows["operation"], rows["outcome"]
        key["stage"] = stage_of(rows["intended_ns"], spans)
        key["second"] = rows["intended_ns"] // NS_PER_S // period_s(spans) * period_s(spans)
        parts = []
        for number, values in enumerate(latencies(rows).values()):
            known = values >= 0
            mine = key[known]
            mine["metric"] = number
            parts.append((mine, values[known]))
        return cls(*_grouped(np.concatenate([k for k, _ in parts]), np.concatenate([v for _, v in parts])))

    @classmethod
    def merge(cls, parts: Sequence["Distributions"]) -> Self:
        """Return the distributions of all calls of `parts`, bit for bit equal to `of` for all the calls together."""
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
        """Replace the file atomically."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, counts=self.counts, moments=self.moments)
        write_atomically(path, buffer.getvalue())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the distributions in a file of `write`. Raises `InvalidRunError` if the file is missing or damaged."""
        try:
            with files.open_regular(path, files.MOST_BYTES) as file, zipfile.ZipFile(file) as parts:
                return cls(_rows(parts, "counts", COUNTS), _rows(parts, "moments", MOMENTS))
        except OSError as error:
            raise _damaged(path, error.strerror or str(error)) from error
        except (ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise _damaged(path, str(error)) from error


def period_s(spans: Sequence[Span]) -> int:
    """Return the number of seconds that share a histogram: 1 in runs of up to 300 s, more in longer ones."""
    return max(math.ceil(max((span.end_s for span in spans), default=0) / _MOST_PERIODS), 1)


def _rows(parts: zipfile.ZipFile, name: str, dtype: np.dtype[Any]) -> Rows:
    # A small archive may unpack to any size, so the size in its header is checked against a bound.
    with parts.open(f"{name}.npy") as file:
        return files.read_array(file, dtype, (None,))


def _damaged(path: Path, why: str) -> InvalidRunError:
    return InvalidRunError(
        f"The histograms of the run cannot be read: {why}",
        where=str(path),
        remedy="They can be made again from the table of calls",
    )


def _grouped(key: Rows, values: npt.NDArray[np.int64]) -> tuple[Rows, Rows]:
    """Return counts and moments of the values by key."""
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


# Together 63 bits: a whole key fits into one integer, which sorts far faster than separate columns. 20 bits of seconds
# are twelve days.
_BITS = {"operation": 16, "stage": 8, "outcome": 3, "second": 20, "metric": 3, "bucket": 13}


def _groups(keys: Rows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the order that sorts `keys`, and the start of each distinct key in it."""
    code = np.zeros(len(keys), np.int64)
    for name in keys.dtype.names or ():
        code = (code << _BITS[name]) | keys[name]
    order = np.argsort(code, kind="stable")
    ordered = code[order]
    is_first = np.ones(len(keys), bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(is_first).astype(np.int64)


def _sums(values: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    sums: npt.NDArray[np.int64] = np.add.reduceat(values, starts) if len(starts) else values
    return sums


def _matching(rows: Rows, where: dict[str, int]) -> Rows:
    chosen = np.ones(len(rows), bool)
    for name, value in where.items():
        chosen &= rows[name] == value
    return rows[chosen]
