"""Read a long table in chunks, so that memory does not grow with its length.

No reader may copy all calls of a run: a run of hours has tens of millions, of 80 bytes each.
"""

import mmap
from collections.abc import Iterator

import numpy as np

from harness.table.aside import is_measured
from harness.table.calls import HEADER_BYTES, Table

PIECE_ROWS = 131_072


def pieces(table: Table, rows: int | None = None) -> Iterator[Table]:
    """Yield the rows of `table` in order, at most `rows` (or `PIECE_ROWS`) at a time, as views.

    Pages of a mapped file are unmapped after each chunk; they stay in the system's file cache.
    """
    step = rows or PIECE_ROWS
    for start in range(0, len(table), step):
        yield table[start : start + step]
        if len(table) > step:
            give_back(table)


def warmup_and_measured(table: Table) -> tuple[Table, Table]:
    """Return the rows of the warm-up and beside the measured time, and the others, both in order and as views.

    Users of a closed model append in the order of their starts, so the two may be mixed. That
    range is sorted in a private copy of its pages; the file is not written.
    """
    first_measured, last_warmup, warm = len(table), -1, 0
    start = 0
    for piece in pieces(table):
        measured = is_measured(piece)
        warm += len(piece) - int(np.count_nonzero(measured))
        if first_measured == len(table) and measured.any():
            first_measured = start + int(measured.argmax())
        if not measured.all():
            last_warmup = start + len(piece) - 1 - int((~measured[::-1]).argmax())
        start += len(piece)
    if last_warmup > first_measured:
        table = _private(table)
        mixed = table[first_measured : last_warmup + 1]
        mixed[:] = mixed[np.argsort(is_measured(mixed), kind="stable")]
    return table[:warm], table[warm:]


def _private(table: Table) -> Table:
    """Return the same rows, writable; only written pages take memory."""
    dtype = table.dtype
    if isinstance(table, np.memmap) and table.mode == "r" and table.filename is not None:
        private: Table = np.memmap(table.filename, dtype, "c", HEADER_BYTES, (len(table),))
        return private
    return table.copy()


def give_back(table: Table) -> None:
    """Release the pages of a mapped file; a private map keeps its pages, which may hold unsaved changes."""
    if isinstance(table, np.memmap) and table.mode in {"r", "r+"}:
        base: object = table
        while isinstance(base, np.ndarray):
            base = base.base
        if isinstance(base, mmap.mmap):
            base.madvise(mmap.MADV_DONTNEED)
