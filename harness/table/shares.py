"""Split a plan among workers by rows, and merge their tables, sorted by intended time.

Each worker has a folder `worker-N` beside the place of the merged table. The rows of the merged table are exactly
those of the parts.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import InvalidRunError
from harness.table import calls

CALLS = "calls.npy"
_PIECE_ROWS = 1_000_000
_NAME = re.compile(r"worker-(\d{1,6})", re.ASCII)


def name_of(worker: int) -> str:
    """Return the name of a worker in messages, folders and reports."""
    return f"worker-{worker}"


def deal(table: calls.Table, workers: int) -> list[calls.Table]:
    """Return each worker's rows of a plan: every `workers`-th row, so that all keep the plan's pace throughout."""
    return [table[worker::workers] for worker in range(workers)]


def part_folders(timing: Path) -> list[Path]:
    """Return the folders of the workers, by number; empty for a run of one process."""
    parts = [
        (int(found[1]), path) for path in timing.glob("worker-*/") if (found := _NAME.fullmatch(path.name))
    ]
    return [path for _, path in sorted(parts)]


def merge_tables(timing: Path) -> None:
    """Write the merged table of all workers, and name it only when it is complete.

    Raises `InvalidRunError` if a part is damaged or missing, `HarnessError` if there is no room.
    """
    parts = _parts(timing)
    rows = sum(len(part) for part in parts)
    scratch = timing / f".{CALLS}"
    calls.write_table(scratch, np.zeros(0, calls.DTYPE))
    with scratch.open("r+b") as file:
        calls.reserve(file.fileno(), rows)
        file.write(calls.header(rows))
    if rows:
        whole = np.memmap(scratch, calls.DTYPE, "r+", calls.HEADER_BYTES, (rows,))
        _fill(whole, parts)
        whole.flush()
    scratch.replace(timing / CALLS)


def whole_table(timing: Path) -> calls.Table:
    """Return the merged table; where workers were cut off before it was written, it is merged in memory.

    Raises `InvalidRunError` as `calls.load` does.
    """
    path = timing / CALLS
    if path.exists() or not part_folders(timing):
        return calls.load(path)
    parts = _parts(timing)
    rows = sum(len(part) for part in parts)
    if rows > calls.MAX_ROWS:
        raise InvalidRunError(
            f"The tables of the workers hold {rows:,} rows (limit {calls.MAX_ROWS:,})",
            where=str(timing),
            remedy="This run cannot be evaluated; run the scenario again",
        )
    whole = np.zeros(rows, parts[0].dtype)
    _fill(whole, parts)
    return whole


def _parts(timing: Path) -> list[calls.Table]:
    folders = part_folders(timing)
    if not folders:
        raise InvalidRunError(
            "No worker left a table of calls", where=str(timing), remedy="Run the scenario again"
        )
    return [calls.load(folder / CALLS) for folder in folders]


def _fill(whole: calls.Table, parts: Sequence[calls.Table]) -> None:
    """Copy the rows of all parts into `whole`, by intended time; in chunks, because they may exceed the memory."""
    place = _places(np.concatenate([part["intended_ns"] for part in parts]))
    begin = 0
    for part in parts:
        for start in range(0, len(part), _PIECE_ROWS):
            piece = part[start : start + _PIECE_ROWS]
            whole[place[begin + start : begin + start + len(piece)]] = piece
        begin += len(part)


def _places(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the position of each key in sorted order, equal keys in their order."""
    place = np.empty(len(keys), np.int64)
    place[np.argsort(keys, kind="stable")] = np.arange(len(keys))
    return place
