"""Writes rows into the table of calls; nothing else happens while measuring.

A row is claimed when its call is let go and filled when the call returns, so that at any instant, SIGKILL
included, the file says which calls had started and which had come back.
"""

import mmap
import struct
from pathlib import Path
from typing import Self

from harness import calls
from harness.errors import HarnessError
from harness.model import Outcome

_GROWTH_ROWS = 65_536


class Recorder:
    """The table of one run, open for writing. Not thread-safe: greenlets only, and none of its methods yields."""

    def __init__(self, path: Path, planned_rows: int) -> None:
        """Open the planned table at `path`, or start an empty one to append to if `planned_rows` is 0."""
        self._file = path.open("r+b" if planned_rows else "w+b")
        self._capacity = planned_rows
        self._next_row = planned_rows
        if not planned_rows:
            self._file.write(calls.header(0))
            self._file.flush()
            self._grow()
        self._map = mmap.mmap(self._file.fileno(), 0)
        row = struct.Struct(calls.ROW_FORMAT)
        self._pack_row = row.pack_into
        self._pack_outcome = struct.Struct("<B").pack_into
        self._pack_time = struct.Struct("<q").pack_into
        self._outcome_offset = calls.DTYPE.fields["outcome"][1] + calls.HEADER_BYTES  # type: ignore[index]
        self._dispatched_offset = calls.DTYPE.fields["dispatched_ns"][1] + calls.HEADER_BYTES  # type: ignore[index]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def rows(self) -> int:
        """The number of rows that are planned or were appended."""
        return self._next_row

    def _grow(self) -> None:
        if self._capacity >= calls.MAX_ROWS:
            raise HarnessError(
                f"The run reached {calls.MAX_ROWS:,} calls and was ended",
                remedy="Shorten --duration",
            )
        calls.reserve(self._file.fileno(), self._capacity + _GROWTH_ROWS)
        self._capacity += _GROWTH_ROWS

    def claim(self, row: int, dispatched_ns: int) -> None:
        """Mark a planned row as let go: `unfinished` until it is filled."""
        base = row * calls.ROW_BYTES
        self._pack_time(self._map, base + self._dispatched_offset, dispatched_ns)
        self._pack_outcome(self._map, base + self._outcome_offset, Outcome.UNFINISHED)

    def drop(self, row: int, dispatched_ns: int) -> None:
        """Mark a planned row as refused by the in-flight limit."""
        self.claim(row, dispatched_ns)
        self._pack_outcome(self._map, row * calls.ROW_BYTES + self._outcome_offset, Outcome.DROPPED)

    def append(self, intended_ns: int, dispatched_ns: int, operation: int, payload: int) -> int:
        """Claim a new row and return its number. Raises `HarnessError` if the disk or the table is full."""
        row = self._next_row
        if row == self._capacity:
            self._grow()
            self._map.resize(calls.HEADER_BYTES + self._capacity * calls.ROW_BYTES)
        self._next_row = row + 1
        self._pack_row(
            self._map, calls.HEADER_BYTES + row * calls.ROW_BYTES,
            intended_ns, dispatched_ns, 0, 0, -1, -1, 0, 0, 1, 0, operation, payload,
        )  # fmt: skip
        return row

    def fill(
        self, row: int, times: tuple[int, int, int, int, int, int, int, int],
        outcome: int, operation: int, payload: int,
    ) -> None:  # fmt: skip
        """Write the whole row of a call that came back; `times` are the eight time columns in order."""
        self._pack_row(
            self._map, calls.HEADER_BYTES + row * calls.ROW_BYTES, *times, outcome, 0, operation, payload
        )

    def close(self) -> None:
        """Give the file back; the operating system writes what is left."""
        self._map.close()
        self._file.close()
