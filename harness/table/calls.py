"""Table of calls: one row per call, in a NumPy file that the measured process writes through a memory map.

In the open model the table is the plan: every arrival is a row from the beginning, and an untouched row has the
outcome `never_started`. In the closed model rows are appended as calls start. In both models a killed process
leaves a readable table, and every row has exactly one outcome.

All times are integer nanoseconds of CLOCK_MONOTONIC from the start of the measured time, so warm-up is negative.
`numpy.load("calls.npy")` and `pandas.DataFrame(numpy.load("calls.npy"))` open it.
"""

import os
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import HarnessError, InvalidRunError
from harness.storage import files

Table = npt.NDArray[np.void]

DTYPE = np.dtype(
    [
        # First the values known when a call is sent, so that claiming a row is one short write.
        ("outcome", "u1"),
        # `harness.table.aside`: 0 for a call of the measured tasks.
        ("aside", "u1"),
        ("operation", "<u2"),
        ("payload", "<u4"),
        ("intended_ns", "<i8"),
        ("dispatched_ns", "<i8"),
        ("entered_ns", "<i8"),
        ("completed_ns", "<i8"),
        # Exact split of service by the switch hook; -1 where it was off.
        ("run_ns", "<i8"),
        ("wait_busy_ns", "<i8"),
        # Part of lag while the target blocked the event loop, and part caused by CPU contention.
        ("lag_target_ns", "<i8"),
        ("lag_host_ns", "<i8"),
        # From entered to the first byte of the response; 0 where none came or nobody knows.
        ("first_byte_ns", "<i8"),
    ]
)
_EARLIER = np.dtype(DTYPE.descr[:-1])
"""Rows of earlier versions, which knew no first byte. Only readers meet them, and `first_byte_ns` is then missing."""
ROW_BYTES = DTYPE.itemsize
# struct formats of the part of a row written by a claim, and of the rest; tests keep them equal to DTYPE.
CLAIM_FORMAT = "<BBHIqq"
FILL_FORMAT = "<6q"
INTENDED_FROM = 8
FILL_FROM = 24
LAG_FROM = 56
FIRST_BYTE_FROM = 72
"""Offsets of the intended time, of the rest, of the causes of lag, and of the time of the first byte in a row."""
HEADER_BYTES = 512
# Memory does not grow with the rows, so only the disk needs protection: this is 16 GB, and 2.7 hours of 20,000
# arrivals a second, the most that one process can drive. A larger plan is refused before it starts.
MAX_ROWS = 200_000_000
_STRETCH_ROWS = 65_536
_DTYPES = {repr(dtype.descr).encode(): dtype for dtype in (DTYPE, _EARLIER)}
_SHAPE = re.compile(rb"'shape': \((\d+),\)")


def header(rows: int) -> bytes:
    """Return a NumPy 1.0 header of fixed length, so that the number of rows can be rewritten in place."""
    text = repr({"descr": DTYPE.descr, "fortran_order": False, "shape": (rows,)})
    body = text.encode("latin1").ljust(HEADER_BYTES - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


def planned_rows(head: bytes) -> int | None:
    """Return the number of rows that a header promises: those of the plan, or all of a sealed table. None for another file."""
    promised = _promised(head)
    return promised[0] if promised and promised[1] is DTYPE else None


def _promised(head: bytes) -> tuple[int, np.dtype[np.void]] | None:
    """Return number and type of the rows behind a header, of this or an earlier version; None for another file."""
    shape = _SHAPE.search(head)
    if shape is None or head[:6] != b"\x93NUMPY":
        return None
    # Earlier versions reserved the byte and left it 0.
    known = head.replace(b"'reserved'", b"'aside'")
    return next(((int(shape[1]), dtype) for text, dtype in _DTYPES.items() if text in known), None)


def reserve(descriptor: int, rows: int) -> None:
    """Reserve disk space for `rows` rows: a memory map over a hole would crash on a full disk."""
    size = os.fstat(descriptor).st_size
    try:
        os.posix_fallocate(descriptor, 0, HEADER_BYTES + rows * ROW_BYTES)
    except OSError as error:
        # The space reserved before the disk was full would end in the middle of a row.
        os.ftruncate(descriptor, size)
        needed = (HEADER_BYTES + rows * ROW_BYTES) / 2**20
        raise HarnessError(
            f"No room for {rows:,} calls ({needed:,.0f} MiB): {error.strerror}",
            remedy="Free some disk, choose another --out, or shorten the run",
        ) from error


def write_table(path: Path, rows: Table) -> None:
    """Write a whole table."""
    if len(rows):
        create(path, len(rows))[:] = rows
    else:
        create(path, 0)


def create(path: Path, rows: int) -> Table:
    """Write a table of zero rows, and return it, mapped and writable."""
    try:
        with path.open("wb") as file:
            reserve(file.fileno(), rows)
            file.write(header(rows))
        return np.memmap(path, DTYPE, "r+", HEADER_BYTES, (rows,)) if rows else np.zeros(0, DTYPE)
    except OSError as error:
        raise HarnessError(
            f"The table of calls cannot be written: {error.strerror}",
            where=str(path),
            remedy="Free some disk or choose another --out",
        ) from error


def seal(path: Path) -> None:
    """Truncate an appended table to the started rows, and set its header to match."""
    rows = len(load(path))
    with path.open("r+b") as file:
        file.write(header(rows))
        file.truncate(HEADER_BYTES + rows * ROW_BYTES)


def load(path: Path) -> Table:
    """Return the rows as a read-only memory map, without unused reserved rows at the end.

    Raises `InvalidRunError` if the file is missing, cut off or not a table of calls.
    """
    try:
        with files.open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(HEADER_BYTES)
    except OSError as error:
        raise _damaged(path, f"it cannot be read: {error.strerror}") from error
    promised = _promised(head)
    if promised is None:
        raise _damaged(path, "it is not a table of calls")
    planned, dtype = promised
    if size < HEADER_BYTES:
        raise _damaged(path, "it ends in its header")
    rows, rest = divmod(size - HEADER_BYTES, dtype.itemsize)
    if rest:
        raise _damaged(path, f"it ends in the middle of row {rows}")
    if rows > 2 * MAX_ROWS:
        # A sparse file may have any length, and reading it would never end.
        raise _damaged(path, f"it holds {rows:,} rows, more than any run can have")
    if rows < planned:
        raise _damaged(path, f"it holds {rows} of {planned} rows")
    if not rows:
        return np.zeros(0, dtype)
    table = np.memmap(path, dtype, "r", HEADER_BYTES, (rows,))
    return table if rows == planned else _without_reserve(table, planned)


def _without_reserve(table: Table, planned: int) -> Table:
    # From the end, in chunks: the reserve is short, the table may be long.
    for start in range(len(table) - 1, planned - 1, -_STRETCH_ROWS):
        first = max(start + 1 - _STRETCH_ROWS, planned)
        used = np.flatnonzero(table["outcome"][first : start + 1])
        if used.size:
            return table[: first + int(used[-1]) + 1]
    return table[:planned]


def _damaged(path: Path, why: str) -> InvalidRunError:
    return InvalidRunError(
        f"The table of calls is damaged: {why}",
        where=str(path),
        remedy="This run cannot be evaluated; run the scenario again",
    )
