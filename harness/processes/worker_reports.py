"""Reports of the calls that Locust's workers record, on any machine, on their way into one run directory.

Each worker report of Locust's carries the rows that the worker has written since the last: 80 bytes a call, which costs
the worker a copy, where histograms would block its loop. Its last report describes its whole table, so that the
master can check that all of it arrived (`harness.processes.merge_reports`).
"""

import zlib
from typing import Any, TypedDict

import msgspec
import numpy as np

from harness.model import Outcome
from harness.processes.clock_exchange import WorkerClock
from harness.run.documents import HostFacts
from harness.run.facts import LoadFacts
from harness.table import calls
from harness.table.calls import HEADER_BYTES, ROW_BYTES
from harness.table.recorder import Recorder

UNFINISHED = int(Outcome.UNFINISHED)
PIECE_BYTES = 65_536 * ROW_BYTES
"""Bytes of a table that are read at once."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that a worker knows of its part early; operations may be added later."""

    operations: dict[str, float]
    environment: dict[str, Any]
    is_ramped: bool = False
    """True once time zero is the end of the ramp-up."""


class End(msgspec.Struct, frozen=True, kw_only=True):
    """Facts at the end of a worker's part: its table has `rows` rows with this CRC-32."""

    rows: int
    crc: int
    host: HostFacts
    held_by: bytes
    waits: bytes = b""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Rows from `first` on, and those listed in `late`: rows that were still in flight when they were first sent.

    `head` is None from a worker that took no part in the test. `end` comes with the last report of one that did.
    """

    sent_unix_s: float
    is_last: bool = False
    head: Head | None = None
    facts: LoadFacts | None = None
    first: int = 0
    rows: bytes = b""
    late: list[int] = []
    late_rows: bytes = b""
    samples: bytes = b""
    """Lines of the file of samples since the last report."""
    end: End | None = None
    trouble: str | None = None
    """Reason why the worker ended early, or took no part."""
    clock: WorkerClock = WorkerClock()

    def pack(self) -> bytes:
        """Return the report as bytes for `unpack`."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def unpack(cls, data: bytes) -> "Report":
        """Return the report that `pack` made; raise `msgspec.DecodeError` for other bytes."""
        return msgspec.msgpack.decode(data, type=cls)


class Rows(TypedDict):
    """The fields of a report that hold rows."""

    first: int
    rows: bytes
    late: list[int]
    late_rows: bytes


class Outgoing:
    """The unsent rest of a table that is being written."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._sent = 0
        self._out: list[int] = []

    def again(self) -> None:
        """Send all rows again with the next report: their times have moved."""
        self._sent, self._out = 0, []

    def take(self) -> Rows:
        """Return `first`, `rows`, `late` and `late_rows` of the next report; they are not sent again."""
        table, end = self._recorder.map, self._recorder.tail[0]
        late = [row for row in self._out if table[place_of(row)] != UNFINISHED]
        late_rows = b"".join(table[place_of(row) : place_of(row + 1)] for row in late)
        first, self._sent = self._sent, end
        # A copy, because the map cannot grow while a view of it exists.
        rows = table[place_of(first) : place_of(end)]
        still_out = np.flatnonzero(np.frombuffer(rows, calls.DTYPE)["outcome"] == UNFINISHED) + first
        self._out = [*(row for row in self._out if table[place_of(row)] == UNFINISHED), *still_out.tolist()]
        return {"first": first, "rows": rows, "late": late, "late_rows": late_rows}

    def end(self, host: HostFacts, held_by: bytes, waits: bytes) -> End:
        """Return the description of the whole table, for checking at the receiving end."""
        table, rows = self._recorder.map, self._recorder.tail[0]
        crc = 0
        for start in range(place_of(0), place_of(rows), PIECE_BYTES):
            crc = zlib.crc32(table[start : min(start + PIECE_BYTES, place_of(rows))], crc)
        return End(rows=rows, crc=crc, host=host, held_by=held_by, waits=waits)


def place_of(row: int) -> int:
    """Return the offset of a row in its file, in bytes."""
    return HEADER_BYTES + row * ROW_BYTES
