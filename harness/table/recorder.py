"""Write rows into the table of calls; the only work of the harness while it measures.

A row is claimed when its call is sent and filled when the call returns, so at any instant, SIGKILL included, the
file shows the started and the returned calls. Filling writes the times first and the outcome last, one byte at
once: a row with a final outcome has all of its times.
"""

import mmap
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Self

from harness.errors import HarnessError
from harness.model import Outcome
from harness.table import calls
from harness.table.calls import HEADER_BYTES, ROW_BYTES

# Small enough that reserving rows blocks the loop for only about 0.3 ms.
_GROWTH_ROWS = 16_384
# Plain integers: on the hot path even reading an enum is slow.
_UNFINISHED, _DROPPED = int(Outcome.UNFINISHED), int(Outcome.DROPPED)

FILL = struct.Struct(calls.FILL_FORMAT)
_LAG = struct.Struct("<2q")
FILL_BASE = HEADER_BYTES + calls.FILL_FROM


class Recorder:
    """The table of one run, open for writing. No method yields to another greenlet; threads that append share a lock."""

    def __init__(self, path: Path, planned_rows: int) -> None:
        """Open the planned table at `path`, or start an empty one to append to if `planned_rows` is 0."""
        self._file = path.open("r+b" if planned_rows else "w+b")
        self.tail = [planned_rows, planned_rows]
        """Next free row, and first row without reserved space; for code that claims rows itself."""
        if not planned_rows:
            self._file.write(calls.header(0))
            self._file.flush()
            self._grow()
        self._map = mmap.mmap(self._file.fileno(), 0)
        self._pack_claim = struct.Struct(calls.CLAIM_FORMAT).pack_into

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def map(self) -> mmap.mmap:
        """The mapped file; it grows in place.

        `FILL` at `FILL_BASE + row * ROW_BYTES` writes the times of a claimed row from `entered_ns` on; after that its
        outcome, the byte at `HEADER_BYTES + row * ROW_BYTES`.
        """
        return self._map

    def _grow(self) -> None:
        capacity = self.tail[1]
        if capacity >= calls.MAX_ROWS:
            raise HarnessError(
                f"The run was ended at {calls.MAX_ROWS:,} calls (the limit)",
                remedy="Shorten --duration",
            )
        calls.reserve(self._file.fileno(), capacity + _GROWTH_ROWS)
        # Pages written before are in memory: the first access to one costs the run 0.3 us instead of 3 us.
        os.pwrite(self._file.fileno(), bytes(_GROWTH_ROWS * ROW_BYTES), HEADER_BYTES + capacity * ROW_BYTES)
        self.tail[1] = capacity + _GROWTH_ROWS
        if capacity:
            self.give_back()

    def give_back(self) -> None:
        """Release the pages written so far; they stay in the system's file cache and are written to disk later.

        This keeps the memory of the measured process independent of the number of calls. A row accessed again is
        mapped again.
        """
        self._map.madvise(mmap.MADV_DONTNEED)

    def claim(self, row: int, operation: int, payload: int, intended_ns: int, dispatched_ns: int) -> None:
        """Mark a planned row as sent: `unfinished` until it is filled."""
        self._pack_claim(
            self._map,
            HEADER_BYTES + row * ROW_BYTES,
            _UNFINISHED,
            0,
            operation,
            payload,
            intended_ns,
            dispatched_ns,
        )

    def drop(
        self,
        row: int,
        operation: int,
        payload: int,
        intended_ns: int,
        dispatched_ns: int,
        lag_target_ns: int,
        lag_host_ns: int,
    ) -> None:
        """Mark a planned row as dropped by the in-flight limit; its lag has causes too."""
        place = HEADER_BYTES + row * ROW_BYTES
        _LAG.pack_into(self._map, place + calls.LAG_FROM, lag_target_ns, lag_host_ns)
        self._pack_claim(self._map, place, _DROPPED, 0, operation, payload, intended_ns, dispatched_ns)

    def appender(self) -> Callable[[int, int, int, int], int]:
        """Return a function that claims the next row for (operation, payload, intended_ns, dispatched_ns) and returns its number.

        A closure, because it runs once per call. The function raises `HarnessError` when the disk or the table is full.
        """
        pack, table, tail = self._pack_claim, self._map, self.tail

        def append(operation: int, payload: int, intended_ns: int, dispatched_ns: int) -> int:
            mine = tail[0]
            if mine >= tail[1]:
                self._grow()
                table.resize(HEADER_BYTES + tail[1] * ROW_BYTES)
            tail[0] = mine + 1
            pack(
                table,
                HEADER_BYTES + mine * ROW_BYTES,
                _UNFINISHED,
                0,
                operation,
                payload,
                intended_ns,
                dispatched_ns,
            )
            return mine

        return append

    def close(self) -> None:
        """Unmap and close the file; the operating system writes the remaining pages."""
        self._map.close()
        self._file.close()
