"""Export the calls of a run as Parquet or Arrow, with names instead of numbers and nulls where no time was stamped.

`pandas.read_parquet("calls.parquet")`, or `SELECT … FROM 'calls.parquet'` in DuckDB. Rows before time zero belong to
the warm-up. Needs pyarrow, a large optional dependency (50 MB, four times as much when installed).
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UsageError
from harness.model import Outcome
from harness.plans.plan import stage_of
from harness.plans.span import Span
from harness.table.aside import is_measured
from harness.table.calls import DTYPE, Table

TIMES = (
    "intended_ns", "dispatched_ns", "entered_ns", "completed_ns", "run_ns", "wait_busy_ns", "lag_target_ns",
    "lag_host_ns", "first_byte_ns",
)  # fmt: skip
_ALWAYS = ("intended_ns",)
_WITH_RETURN = ("entered_ns", "completed_ns", "run_ns", "wait_busy_ns", "first_byte_ns")


def require() -> Any:
    """Return pyarrow; raises a `UsageError` that names the extra where it is not installed."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise UsageError(
            "Parquet and Arrow need pyarrow, which is not installed",
            remedy="Install it: pip install 'asset-harness[export]'; or open timing/calls.npy with numpy.load",
        ) from error
    return pa


def write_parquet(parts: Iterable[Table], names: list[str], spans: tuple[Span, ...], path: Path) -> None:
    """Write the rows as Parquet, a row group for each of `parts`, so that memory does not grow with their number."""
    require()
    from pyarrow import parquet

    _write(parts, names, spans, path, parquet.ParquetWriter)


def write_arrow(parts: Iterable[Table], names: list[str], spans: tuple[Span, ...], path: Path) -> None:
    """Write the rows as an Arrow IPC file, which readers map without parsing."""
    arrow = require()
    _write(parts, names, spans, path, lambda scratch, schema: arrow.ipc.new_file(str(scratch), schema))


def _write(
    parts: Iterable[Table],
    names: list[str],
    spans: tuple[Span, ...],
    path: Path,
    opener: Callable[[Path, Any], Any],
) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with opener(scratch, _batch(np.zeros(0, DTYPE), names, spans).schema) as writer:
            for rows in parts:
                writer.write_batch(_batch(rows, names, spans))
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _batch(rows: Table, names: list[str], spans: tuple[Span, ...]) -> Any:
    arrow = require()
    # Warm-up lies before time zero, for any name of its stages; calls of starting and ending users are with it.
    labels = ["warm-up", *(span.label for span in spans if not span.warmup)]
    stage = np.where(is_measured(rows), stage_of(rows["intended_ns"], spans) + 1, 0)
    columns = {
        "operation": _words(rows["operation"], names),
        "stage": _words(stage, labels),
        "outcome": _words(rows["outcome"], [outcome.label for outcome in Outcome]),
        "payload": arrow.array(np.ascontiguousarray(rows["payload"])),
    }
    columns |= {name: arrow.array(*_stamped(rows, name)) for name in TIMES}
    return arrow.record_batch(columns)


def _words(numbers: np.ndarray, words: list[str]) -> Any:
    arrow = require()
    return arrow.DictionaryArray.from_arrays(numbers.astype(np.int32), arrow.array(words, arrow.string()))


def _stamped(rows: Table, name: str) -> tuple[np.ndarray, None, np.ndarray | None]:
    """Return the values of a column and the mask of missing ones, as `pyarrow.array` takes them."""
    if name not in (rows.dtype.names or ()):
        # Earlier versions knew no first byte.
        return np.zeros(len(rows), np.int64), None, np.ones(len(rows), bool)
    values = np.ascontiguousarray(rows[name])
    if name in _ALWAYS:
        return values, None, None
    missing = rows["outcome"] == Outcome.NEVER_STARTED
    if name in _WITH_RETURN:
        missing = ~np.isin(rows["outcome"], [outcome for outcome in Outcome if outcome.returned])
    if name in {"run_ns", "wait_busy_ns"}:
        missing |= values < 0
    if name == "first_byte_ns":
        missing |= values <= 0
    return values, None, missing
