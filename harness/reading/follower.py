"""Follow a table of calls while it is written: calls that ended since the last look, and calls in flight.

The cost of a look grows with the calls ended since the last one and those in flight, not with the table. Rows are
read, never mapped: the measured process may truncate its table at that moment, and access to a mapped page beyond
the end of its file kills the reader (SIGBUS).
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
from harness.table.calls import DTYPE, HEADER_BYTES, INTENDED_FROM, ROW_BYTES, Table, planned_rows
from harness.table.histogram import Integers

_COLUMNS = ("outcome", "intended_ns", "completed_ns")
_PIECE_ROWS = 8192
# Rows no farther apart than this are read together: one read costs about as much as copying this many rows.
_NEAR_ROWS = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """Calls that ended: their outcomes, intended starts and, where they completed, completion times."""

    outcome: npt.NDArray[np.uint8]
    intended_ns: Integers
    completed_ns: Integers

    def where(self, mask: npt.NDArray[np.bool_]) -> Self:
        """Return the calls selected by `mask`."""
        return type(self)(self.outcome[mask], self.intended_ns[mask], self.completed_ns[mask])


class Follower:
    """Follows one table from its first row. Rows are sent in order and end in any order; those beyond the plan are appended."""

    def __init__(self, path: Path) -> None:
        """Follow the table at `path`, which need not exist yet."""
        self._path = path
        self._file: int | None = None
        self.let_go = 0
        """Number of planned rows sent or dropped by the last look, which is the index of the first other row."""
        self._planned = self._next_appended = 0
        self._out = np.zeros(0, np.int64)
        self._oldest_ns: int | None = None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def in_flight(self) -> int:
        """Number of calls sent but not ended at the last look."""
        return len(self._out)

    @property
    def oldest_ns(self) -> int | None:
        """Earliest intended start among the calls in flight, in ns."""
        return self._oldest_ns

    def look(self) -> Iterator[Ended]:
        """Yield the calls that ended since the last look, in chunks; nothing while there is no table."""
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
        """Return the number of planned rows, which are sorted by intended start, before `moment_ns`."""
        if not self._open():
            return 0
        return bisect.bisect_left(range(self._planned), moment_ns, key=self.intended_ns)

    def intended_ns(self, row: int) -> int:
        """Return the intended start of an existing row, in ns."""
        assert self._file is not None  # noqa: S101 - a row is known only after the file was opened
        place = HEADER_BYTES + row * ROW_BYTES + INTENDED_FROM
        return int.from_bytes(os.pread(self._file, 8, place), "little", signed=True)

    def _open(self) -> bool:
        if self._file is None and self._path.exists():
            self._file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
            self._planned = planned_rows(os.pread(self._file, HEADER_BYTES, 0)) or 0
            self._next_appended = self._planned
        return self._file is not None

    def _again(self) -> Iterator[tuple[Integers, Table]]:
        """Yield index and row of the calls that were in flight."""
        out = self._out
        for numbers in np.split(out, np.flatnonzero(np.diff(out) > _NEAR_ROWS) + 1):
            if len(numbers):
                first = int(numbers[0])
                yield numbers, self._read(first, int(numbers[-1]) - first + 1)[numbers - first]

    def _fresh(self) -> Iterator[tuple[Integers, Table]]:
        """Yield index and row of the calls sent since the last look: of the plan, and appended to it."""
        while True:
            numbers, rows = self._sent_from(self.let_go, self._planned)
            self.let_go += len(rows)
            yield numbers, rows
            if len(rows) < _PIECE_ROWS:
                break
        while True:
            numbers, rows = self._sent_from(self._next_appended)
            self._next_appended += len(rows)
            yield numbers, rows
            if len(rows) < _PIECE_ROWS:
                return

    def _sent_from(self, first: int, end: int | None = None) -> tuple[Integers, Table]:
        """Return index and row of the calls sent from row `first` on, up to the first that is not, or to row `end`."""
        rows = self._read(first, _PIECE_ROWS if end is None else min(end - first, _PIECE_ROWS))
        untouched = np.flatnonzero(rows["outcome"] == Outcome.NEVER_STARTED)
        rows = rows[: untouched[0]] if len(untouched) else rows
        return np.arange(first, first + len(rows)), rows

    def _read(self, first: int, count: int) -> Table:
        assert self._file is not None  # noqa: S101 - as above
        read = os.pread(self._file, count * ROW_BYTES, HEADER_BYTES + first * ROW_BYTES)
        return np.frombuffer(read, DTYPE, len(read) // ROW_BYTES)
