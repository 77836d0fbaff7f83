"""The end of a table of calls that is being written: what ended since the last look, and what is out.

A look costs what happened since the last one and what is still out, whatever the length of the table. The rows are
read, never mapped: the measured process may cut its table just then, and to touch a mapped page beyond the end of its
file is death.
"""

import bisect
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from harness.model import Outcome
from harness.table.calls import DTYPE, HEADER_BYTES, INTENDED_FROM, ROW_BYTES, Table
from harness.table.histogram import Integers

_COLUMNS = ("outcome", "intended_ns", "completed_ns")
_PIECE_ROWS = 8192
# Rows that are no farther apart than this are read at once: a read costs as much as copying so many.
_NEAR_ROWS = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """Calls that ended: how, when they were intended, and when they completed, if they did."""

    outcome: npt.NDArray[np.uint8]
    intended_ns: Integers
    completed_ns: Integers

    def where(self, mask: npt.NDArray[np.bool_]) -> Self:
        """Return those of the calls."""
        return type(self)(self.outcome[mask], self.intended_ns[mask], self.completed_ns[mask])


class Follower:
    """Follows one table from its first row on. Rows are let go in their order, and end in any."""

    def __init__(self, path: Path) -> None:
        """Follow the table at `path`, which may not be there yet."""
        self._path = path
        self._file: int | None = None
        self.let_go = 0
        """Rows that were let go or dropped by the last look: the number of the first that was not."""
        self._out = np.zeros(0, np.int64)
        self._oldest_ns: int | None = None

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def in_flight(self) -> int:
        """Calls that were let go and had not ended by the last look."""
        return len(self._out)

    @property
    def oldest_ns(self) -> int | None:
        """The earliest intended start among them."""
        return self._oldest_ns

    def look(self) -> Iterator[Ended]:
        """Yield the calls that ended since the last look, in pieces; nothing while there is no table."""
        if not self._open():
            return
        still_out = []
        for numbers, rows in (*self._again(), *self._fresh()):
            # Columns first: a mask over whole rows would copy all of them.
            seen = Ended(*(np.ascontiguousarray(rows[name]) for name in _COLUMNS))
            is_out = seen.outcome == Outcome.UNFINISHED
            still_out.append((numbers[is_out], seen.intended_ns[is_out]))
            yield seen.where(~is_out)
        self._out = np.concatenate([numbers for numbers, _ in still_out])
        oldest = [int(intended_ns.min()) for _, intended_ns in still_out if len(intended_ns)]
        self._oldest_ns = min(oldest, default=None)

    def due(self, moment_ns: int) -> int:
        """Return how many rows of a planned table are intended before a moment; they are in order of time."""
        if not self._open():
            return 0
        return bisect.bisect_left(range(self._rows()), moment_ns, key=self.intended_ns)

    def intended_ns(self, row: int) -> int:
        """Return the intended start of a row that there is."""
        assert self._file is not None  # noqa: S101 - it was opened to know of the row
        place = HEADER_BYTES + row * ROW_BYTES + INTENDED_FROM
        return int.from_bytes(os.pread(self._file, 8, place), "little", signed=True)

    def _open(self) -> bool:
        if self._file is None and self._path.exists():
            self._file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        return self._file is not None

    def _rows(self) -> int:
        assert self._file is not None  # noqa: S101 - as above
        return max(os.fstat(self._file).st_size - HEADER_BYTES, 0) // ROW_BYTES

    def _again(self) -> Iterator[tuple[Integers, Table]]:
        """Yield number and row of those that were out."""
        out = self._out
        for numbers in np.split(out, np.flatnonzero(np.diff(out) > _NEAR_ROWS) + 1):
            if len(numbers):
                first = int(numbers[0])
                yield numbers, self._read(first, int(numbers[-1]) - first + 1)[numbers - first]

    def _fresh(self) -> Iterator[tuple[Integers, Table]]:
        """Yield number and row of those that were let go since the last look."""
        while True:
            first = self.let_go
            rows = self._read(first, _PIECE_ROWS)
            untouched = np.flatnonzero(rows["outcome"] == Outcome.NEVER_STARTED)
            rows = rows[: untouched[0]] if len(untouched) else rows
            self.let_go = first + len(rows)
            yield np.arange(first, self.let_go), rows
            if len(rows) < _PIECE_ROWS:
                return

    def _read(self, first: int, count: int) -> Table:
        assert self._file is not None  # noqa: S101 - as above
        read = os.pread(self._file, count * ROW_BYTES, HEADER_BYTES + first * ROW_BYTES)
        return np.frombuffer(read, DTYPE, len(read) // ROW_BYTES)
