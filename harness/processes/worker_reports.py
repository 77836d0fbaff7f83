"""Calls that Locust's workers recorded, on whatever machines, on their way into one run directory.

Each worker report of Locust's carries the rows that the worker has written since the last: 72 bytes a call, which costs
the worker a copy, where histograms would hold its loop. At its end a worker says what its whole table should be, and the
master knows whether all of it came. The parts then make a whole as those of `harness run --workers` do.

Every machine has a monotonic clock of its own. Time zero of a part is placed by the wall clock of its machine; where that
is more than `CLOCK_TRUST_S` from the master's, by when its reports arrived.
"""

import contextlib
import math
import os
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from harness import environment
from harness.clock import NS_PER_S
from harness.errors import HarnessError
from harness.model import Executor, Outcome
from harness.processes.job import Job, Ready
from harness.processes.loadrun import LoadPlan, LoadResult
from harness.processes.measure import Ending
from harness.processes.merge_parts import Part, merge_parts
from harness.processes.withdraw_split import withdraw_split
from harness.processes.worker_messages import Member
from harness.profiles.capture.wait import WAITS
from harness.run.directory import RunDirectory, write_atomically, write_document
from harness.run.documents import HostFacts
from harness.run.facts import LoadFacts
from harness.table import calls, shares
from harness.table.calls import HEADER_BYTES, ROW_BYTES
from harness.table.histogram import Integers
from harness.table.pieces import pieces
from harness.table.recorder import Recorder
from harness.units import format_s

CLOCK_TRUST_S = 1.0
# Who ended so much before the others did not end with them.
_TOGETHER_S = 1.0
_UNFINISHED = int(Outcome.UNFINISHED)
_PIECE_BYTES = 65_536 * ROW_BYTES
_TIMES = ("intended_ns", "dispatched_ns", "entered_ns", "completed_ns")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker knows of its part from the beginning."""

    operations: dict[str, float]
    environment: dict[str, Any]


class End(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says when its part is over: its table is `rows` rows with this CRC-32."""

    rows: int
    crc: int
    host: HostFacts
    held_by: bytes
    waits: bytes = b""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Rows `first` and following, and those of `late`, a list of numbers of rows that were still out when they were sent.

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
    end: End | None = None
    trouble: str | None = None
    """Why the worker ended before its time, or took no part."""

    def pack(self) -> bytes:
        """Return the report as bytes for `unpack`."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def unpack(cls, data: bytes) -> "Report":
        """Return what `pack` made; a `msgspec.DecodeError` if it is none."""
        return msgspec.msgpack.decode(data, type=cls)


class Outgoing:
    """What is still to be sent of a table that is being written."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._sent = 0
        self._out: list[int] = []

    def take(self) -> dict[str, Any]:
        """Return `first`, `rows`, `late` and `late_rows` of the next report; what is in it is not sent again."""
        table, end = self._recorder.map, self._recorder.tail[0]
        late = [row for row in self._out if table[_place(row)] != _UNFINISHED]
        late_rows = b"".join(table[_place(row) : _place(row + 1)] for row in late)
        first, self._sent = self._sent, end
        # A copy: while anyone looks into the map it cannot grow.
        rows = table[_place(first) : _place(end)]
        still_out = np.flatnonzero(np.frombuffer(rows, calls.DTYPE)["outcome"] == _UNFINISHED) + first
        self._out = [*(row for row in self._out if table[_place(row)] == _UNFINISHED), *still_out.tolist()]
        return {"first": first, "rows": rows, "late": late, "late_rows": late_rows}

    def end(self, host: HostFacts, held_by: bytes, waits: bytes) -> End:
        """Return what the whole table should be at its other end."""
        table, rows = self._recorder.map, self._recorder.tail[0]
        crc = 0
        for start in range(_place(0), _place(rows), _PIECE_BYTES):
            crc = zlib.crc32(table[start : min(start + _PIECE_BYTES, _place(rows))], crc)
        return End(rows=rows, crc=crc, host=host, held_by=held_by, waits=waits)


def _place(row: int) -> int:
    return HEADER_BYTES + row * ROW_BYTES


class _Incoming:
    """The part of one worker, as far as it has come."""

    def __init__(self, name: str, folder: Path) -> None:
        """Make the folder with an empty table. Raises `HarnessError` if it cannot be written."""
        self.name = name
        self.folder = folder
        self.path = folder / shares.CALLS
        self.head: Head | None = None
        self.facts: LoadFacts | None = None
        self.end: End | None = None
        self.trouble: str | None = None
        self.apart_s = math.inf
        self._last_unix_s = 0.0
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise _unwritable(folder, error) from error
        calls.write_table(self.path, np.zeros(0, calls.DTYPE))

    def take(self, report: Report, now_unix_s: float) -> None:
        """Write the rows of a report where they belong. Raises `HarnessError` if the disk is full."""
        self.head, self.facts = report.head or self.head, report.facts or self.facts
        self.end, self.trouble = report.end or self.end, report.trouble or self.trouble
        # What the way takes only adds to it: the least is the nearest to how far the clocks are apart.
        self.apart_s = min(self.apart_s, now_unix_s - report.sent_unix_s)
        self._last_unix_s = report.sent_unix_s
        late = np.frombuffer(report.late_rows, calls.DTYPE)
        try:
            with self.path.open("r+b") as file:
                calls.reserve(file.fileno(), report.first + len(report.rows) // ROW_BYTES)
                os.pwrite(file.fileno(), report.rows, _place(report.first))
                for number, row in zip(report.late, late, strict=True):
                    os.pwrite(file.fileno(), row.tobytes(), _place(number))
        except OSError as error:
            raise _unwritable(self.path, error) from error

    @property
    def origin_unix_s(self) -> float | None:
        """Time zero of the part on the master's wall clock."""
        if self.facts is None:
            return None
        return self.facts.origin_unix_s + (0.0 if self.has_clock else self.apart_s)

    @property
    def has_clock(self) -> bool:
        """Whether the wall clock of its machine can be trusted."""
        return abs(self.apart_s) <= CLOCK_TRUST_S or self.facts is None

    @property
    def ended_s(self) -> float:
        """When it ended, or was last heard of, in seconds from its own time zero."""
        if self.facts is None:
            return 0.0
        if self.facts.ended_ns is not None:
            return self.facts.ended_ns / NS_PER_S
        return max(self._last_unix_s - self.facts.origin_unix_s, 0.0)

    def missing(self) -> str | None:
        """Say what is wrong with a part that has ended; None if all of it came as it was recorded."""
        if self.end is None:
            return None
        with self.path.open("rb") as file:
            file.seek(HEADER_BYTES)
            crc = size = 0
            while piece := file.read(_PIECE_BYTES):
                crc, size = zlib.crc32(piece, crc), size + len(piece)
        if (size, crc) == (self.end.rows * ROW_BYTES, self.end.crc):
            return None
        return f"The calls of {self.name} did not arrive as they were recorded ({size // ROW_BYTES} of {self.end.rows})"

    def place_at(self, offset_ns: int) -> None:
        """Count its times from the time zero of the whole, and write its facts beside its table."""
        table = calls.load(self.path)
        if len(table) and offset_ns:
            whole = np.memmap(self.path, calls.DTYPE, "r+", HEADER_BYTES, (len(table),))
            for piece in pieces(whole):
                for name in _TIMES:
                    _shift(piece[name], offset_ns, piece["outcome"], returned=name in _TIMES[2:])
            whole.flush()
        if self.facts:
            facts = self.facts
            if facts.ended_ns is not None:
                facts = msgspec.structs.replace(facts, ended_ns=facts.ended_ns + offset_ns)
            write_document(self.folder / RunDirectory.FACTS, facts)
        if self.end and self.end.held_by:
            write_atomically(self.folder / RunDirectory.HELD_BY, self.end.held_by)
        if self.end and self.end.waits:
            write_atomically(self.folder / WAITS, self.end.waits)
        if self.facts and self.facts.split_taken:
            withdraw_split(self.folder, shares.CALLS)


def _shift(column: Integers, offset_ns: int, outcome: Integers, *, returned: bool) -> None:
    column[outcome != _UNFINISHED if returned else slice(None)] += offset_ns


class WorkerReports:
    """All parts of one test, by the worker that sent them."""

    def __init__(self, timing: Path) -> None:
        self._timing = timing
        self._parts: dict[str, _Incoming] = {}
        self._over: set[str] = set()
        self._lost: dict[str, str] = {}

    def take(self, worker: str, report: Report, now_unix_s: float) -> None:
        """Keep a report. Raises `HarnessError` if it cannot be written."""
        if report.head:
            self._part(worker).take(report, now_unix_s)
        if report.is_last:
            self._over.add(worker)

    def lose(self, worker: str, how: str) -> None:
        """Say that nothing more will come from a worker that has not said its last."""
        self._part(worker)
        self._lost[worker] = how

    def _part(self, worker: str) -> _Incoming:
        if worker not in self._parts:
            name = shares.name_of(len(self._parts))
            self._parts[worker] = _Incoming(name, self._timing / name)
        return self._parts[worker]

    def is_over(self, worker: str) -> bool:
        """Whether a worker has said its last, or never will."""
        return worker in self._over or worker in self._lost

    @property
    def workers(self) -> dict[str, str]:
        """What each worker that took part is called."""
        return {worker: part.name for worker, part in self._parts.items()}

    @property
    def keys(self) -> set[tuple[str, int]]:
        """What tells these parts from those of another test."""
        return {(worker, part.facts.origin_ns) for worker, part in self._parts.items() if part.facts}

    @property
    def head(self) -> Head | None:
        """What the first worker said; None if nobody has."""
        return next((part.head for part in self._parts.values() if part.head), None)

    @property
    def duration_s(self) -> float:
        """From the first time zero to the last end, as far as is known."""
        return max((self._offset_s(part) + part.ended_s for part in self._parts.values()), default=0.0)

    def _offset_s(self, part: _Incoming) -> float:
        known = [one.origin_unix_s for one in self._parts.values() if one.origin_unix_s is not None]
        return 0.0 if part.origin_unix_s is None else part.origin_unix_s - min(known)

    def notes(self) -> list[str]:
        """Return what degrades the run: clocks that could not be used, and environments that differ."""
        known = [part for part in self._parts.values() if part.head]
        clocks = [
            f"The clock of {part.name}'s machine is {format_s(abs(part.apart_s))} from the master's: "
            "its calls stand where their reports arrived"
            for part in known
            if not part.has_clock
        ]
        first = known[0].head.environment if known and known[0].head else {}
        differing = [
            f"{part.name} and {known[0].name} ran in environments that differ in {', '.join(words)}"
            for part in known[1:]
            if part.head and (words := environment.explained(first, part.head.environment))
        ]
        return clocks + differing

    def merge(self, plan: LoadPlan) -> LoadResult:
        """Make the parts a whole. What cannot be put together is trouble in the result, and never raised."""
        end_s, head = self.duration_s, self.head
        troubles = []
        for part in self._parts.values():
            with contextlib.suppress(HarnessError):
                troubles.append(part.missing())
                part.place_at(round(self._offset_s(part) * NS_PER_S))
        found = [self._whole_part(worker, part, end_s) for worker, part in self._parts.items()]
        ending = Ending(trouble="; ".join(filter(None, troubles)) or None)
        return merge_parts(found, plan, self._timing, ending, Ready(head.operations if head else {}))

    def _whole_part(self, worker: str, part: _Incoming, end_s: float) -> Part:
        ended_s = self._offset_s(part) + part.ended_s
        lost = self._lost.get(worker) or part.trouble
        if lost is None and ended_s < end_s - _TOGETHER_S:
            lost = f"left {format_s(end_s - ended_s)} before the end"
        job = Job(
            kind="load", folder=str(part.folder), factory="", parameters={}, seed=0, executor=Executor.CLOSED
        )
        member = Member(
            name=part.name, number=0, workers=len(self._parts), job=job, spans=()
        )  # fmt: skip
        host = part.end.host if part.end else HostFacts()
        return Part(member=member, host=host, lost=lost, lost_at_s=ended_s)


def _unwritable(path: Path, error: OSError) -> HarnessError:
    return HarnessError(
        f"The calls of a worker cannot be written: {error.strerror}",
        where=str(path),
        remedy="Free some disk or name another place",
    )
