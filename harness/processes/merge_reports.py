"""Merge the reports of Locust's workers: write the calls of each to its part, then merge the parts.

The parts are merged as those of `harness run --workers` are.

Every machine has a monotonic clock of its own. Workers compare it with the master's wall clock (`clock_exchange`), and time
zero of a part is placed by that, within a known error. Without an answer it is placed by the wall clock of its machine; where
that is more than `CLOCK_TRUST_S` from the master's, by the arrival of the part's reports.
"""

import contextlib
import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness import environment
from harness.clock import NS_PER_S
from harness.errors import HarnessError
from harness.model import Executor
from harness.processes.clock_exchange import Placement, WorkerClock, placement, this_clock
from harness.processes.job import Job, Ready
from harness.processes.loadrun import LoadPlan, LoadResult
from harness.processes.measure import Ending
from harness.processes.merge_parts import Part, merge_parts
from harness.processes.withdraw_split import withdraw_split
from harness.processes.worker_messages import Member
from harness.processes.worker_reports import PIECE_BYTES, End, Head, Report, place_of
from harness.profiles.capture.wait import WAITS
from harness.run.directory import RunDirectory, write_atomically, write_document
from harness.run.documents import HostFacts
from harness.table import calls, shares
from harness.table.aside import Aside, is_measured
from harness.table.calls import HEADER_BYTES, ROW_BYTES
from harness.table.moving import move
from harness.table.pieces import pieces
from harness.units import format_ns, format_s

if TYPE_CHECKING:
    from harness.run.facts import LoadFacts

CLOCK_TRUST_S = 1.0
# A worker that ended this much before the others did not end together with them.
_TOGETHER_S = 1.0


class IncomingPart:
    """The part of one worker, as far as it has arrived."""

    def __init__(self, name: str, folder: Path, here: WorkerClock) -> None:
        """Make the folder with an empty table; `here` is the master's clock. Raises `HarnessError` if it cannot be written."""
        self.name = name
        self._here = here
        self._clock = WorkerClock()
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
        """Write the rows of a report into the part's table. Raises `HarnessError` if the disk is full."""
        self.head, self.facts = report.head or self.head, report.facts or self.facts
        self.end, self.trouble = report.end or self.end, report.trouble or self.trouble
        # Transfer time only adds to the difference: the minimum is nearest to the true offset of the clocks.
        self.apart_s = min(self.apart_s, now_unix_s - report.sent_unix_s)
        self._last_unix_s = report.sent_unix_s
        self._clock = report.clock
        late = np.frombuffer(report.late_rows, calls.DTYPE)
        try:
            with self.path.open("r+b") as file:
                calls.reserve(file.fileno(), report.first + len(report.rows) // ROW_BYTES)
                os.pwrite(file.fileno(), report.rows, place_of(report.first))
                for number, row in zip(report.late, late, strict=True):
                    os.pwrite(file.fileno(), row.tobytes(), place_of(number))
            if report.samples:
                with (self.folder / RunDirectory.SAMPLES).open("ab") as samples:
                    samples.write(report.samples)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    @property
    def placement(self) -> Placement | None:
        """Return the place of time zero on the master's wall clock; None before the facts have arrived."""
        if self.facts is None:
            return None
        if compared := placement(self.facts.origin_ns, self._clock, self._here):
            return compared
        zero_s = self.facts.origin_unix_s + (0.0 if self._has_clock else self.apart_s)
        return Placement(round(zero_s * NS_PER_S), None)

    @property
    def _has_clock(self) -> bool:
        """True if the wall clock of its machine can be trusted."""
        return abs(self.apart_s) <= CLOCK_TRUST_S

    def note(self) -> str | None:
        """Return what is wrong with its place in time; None if nothing is."""
        placed = self.placement
        if placed is None:
            return None
        if placed.error_ns is None and not self._has_clock:
            return (
                f"The clock of {self.name}'s machine is {format_s(abs(self.apart_s))} from the master's: "
                "its calls are placed by the arrival of their reports"
            )
        if placed.error_ns is None:
            return (
                f"The clock of {self.name}'s machine could not be compared with the master's: "
                "its calls are placed by its wall clock, with an unknown error"
            )
        if placed.error_ns > CLOCK_TRUST_S * NS_PER_S:
            return (
                f"The calls of {self.name} are placed in time within {format_ns(placed.error_ns)} only: "
                "its network or its loop is slow"
            )
        return None

    @property
    def ended_s(self) -> float:
        """Time of its end, or of the last message from it, in seconds from its own time zero."""
        if self.facts is None:
            return 0.0
        if self.facts.ended_ns is not None:
            return self.facts.ended_ns / NS_PER_S
        return max(self._last_unix_s - self.facts.origin_unix_s, 0.0)

    def missing(self) -> str | None:
        """Return the fault of a part that has ended; None if all of it arrived as it was recorded."""
        if self.end is None:
            return None
        with self.path.open("rb") as file:
            file.seek(HEADER_BYTES)
            crc = size = 0
            while piece := file.read(PIECE_BYTES):
                crc, size = zlib.crc32(piece, crc), size + len(piece)
        if (size, crc) == (self.end.rows * ROW_BYTES, self.end.crc):
            return None
        return f"The calls of {self.name} did not arrive as they were recorded ({size // ROW_BYTES} of {self.end.rows})"

    def place_at(self, offset_ns: int, operations: Sequence[str]) -> None:
        """Move its times to the time zero of the whole, number its operations as in `operations`, and write its facts."""
        table = calls.load(self.path)
        own = list(self.head.operations) if self.head else []
        numbers = np.array([operations.index(name) for name in own], np.uint16)
        if len(table) and (offset_ns or own != list(operations[: len(own)])):
            whole = np.memmap(self.path, calls.DTYPE, "r+", HEADER_BYTES, (len(table),))
            for piece in pieces(whole):
                was_ramp_up = piece["intended_ns"] < 0
                move(piece, offset_ns)
                piece["aside"][was_ramp_up & is_measured(piece)] |= np.uint8(Aside.RAMP_UP)
                piece["operation"] = numbers[piece["operation"]]
            whole.flush()
        if self.facts and (placed := self.placement):
            facts = msgspec.structs.replace(
                self.facts,
                origin_ns=self.facts.origin_ns - offset_ns,
                # The same for all parts, to the ns: their time zero is that of the whole now.
                origin_unix_s=(placed.origin_unix_ns - offset_ns) / NS_PER_S,
                ended_ns=None if self.facts.ended_ns is None else self.facts.ended_ns + offset_ns,
            )
            write_document(self.folder / RunDirectory.FACTS, facts)
        if self.end and self.end.held_by:
            write_atomically(self.folder / RunDirectory.HELD_BY, self.end.held_by)
        if self.end and self.end.waits:
            write_atomically(self.folder / WAITS, self.end.waits)
        if self.facts and self.facts.split_taken:
            withdraw_split(self.folder, shares.CALLS)


class WorkerReports:
    """All parts of one test, by the worker that sent them."""

    def __init__(self, timing: Path) -> None:
        self._timing = timing
        self._here = this_clock()
        self._parts: dict[str, IncomingPart] = {}
        self._over: set[str] = set()
        self._lost: dict[str, str] = {}

    def take(self, worker: str, report: Report, now_unix_s: float) -> None:
        """Keep a report. Raises `HarnessError` if it cannot be written."""
        if report.head:
            self._part(worker).take(report, now_unix_s)
        if report.is_last:
            self._over.add(worker)

    def lose(self, worker: str, how: str) -> None:
        """Mark a worker that has not sent its last report as lost."""
        self._part(worker)
        self._lost[worker] = how

    def _part(self, worker: str) -> IncomingPart:
        if worker not in self._parts:
            name = shares.name_of(len(self._parts))
            self._parts[worker] = IncomingPart(name, self._timing / name, self._here)
        return self._parts[worker]

    def is_over(self, worker: str) -> bool:
        """True if a worker has sent its last report, or never will."""
        return worker in self._over or worker in self._lost

    @property
    def workers(self) -> dict[str, str]:
        """Name of each worker that took part, by worker."""
        return {worker: part.name for worker, part in self._parts.items()}

    @property
    def keys(self) -> set[tuple[str, int]]:
        """Keys that distinguish these parts from those of another test."""
        return {(worker, part.facts.origin_ns) for worker, part in self._parts.items() if part.facts}

    @property
    def head(self) -> Head | None:
        """Head of the first worker that sent one, with the operations of all; None before that."""
        heads = [part.head for part in self._parts.values() if part.head]
        if not heads:
            return None
        operations = {name: weight for head in heads[::-1] for name, weight in head.operations.items()}
        ordered = dict.fromkeys(name for head in heads for name in head.operations)
        return msgspec.structs.replace(heads[0], operations={name: operations[name] for name in ordered})

    @property
    def head_so_far(self) -> Head | None:
        """The same for the tables as they are before `merge`: without names if the workers number operations differently."""
        if (head := self.head) is None:
            return None
        names = list(head.operations)
        orders = [list(part.head.operations) for part in self._parts.values() if part.head]
        if all(order == names[: len(order)] for order in orders):
            return head
        unnamed = {f"operation {number} of each worker": 1.0 for number, _ in enumerate(names)}
        return msgspec.structs.replace(head, operations=unnamed)

    @property
    def zero_unix_s(self) -> float | None:
        """Time zero of the whole on the master's wall clock: the first of those that have ended their ramp-up, if any has."""
        zero_ns = self._zero_unix_ns
        return None if zero_ns is None else zero_ns / NS_PER_S

    @property
    def _zero_unix_ns(self) -> int | None:
        known = [(part, placed) for part in self._parts.values() if (placed := part.placement)]
        ramped = [(part, placed) for part, placed in known if part.head and part.head.is_ramped]
        return min((placed.origin_unix_ns for _, placed in ramped or known), default=None)

    @property
    def duration_s(self) -> float:
        """Time from the first time zero to the last end, as far as is known, in s."""
        return max(
            (self._offset_ns(part) / NS_PER_S + part.ended_s for part in self._parts.values()), default=0.0
        )

    def _offset_ns(self, part: IncomingPart) -> int:
        zero_ns, placed = self._zero_unix_ns, part.placement
        return 0 if placed is None or zero_ns is None else placed.origin_unix_ns - zero_ns

    def notes(self) -> list[str]:
        """Return the notes that degrade the run: clocks that could not be used, and environments that differ."""
        known = [part for part in self._parts.values() if part.head]
        clocks = [note for part in known if (note := part.note())]
        first = known[0].head.environment if known and known[0].head else {}
        differing = [
            f"{part.name} and {known[0].name} ran in environments that differ in {', '.join(words)}"
            for part in known[1:]
            if part.head and (words := environment.explained(first, part.head.environment))
        ]
        return clocks + differing

    def merge(self, plan: LoadPlan) -> LoadResult:
        """Merge the parts. A part that cannot be merged becomes trouble in the result and raises nothing."""
        end_s, head = self.duration_s, self.head
        troubles = []
        for part in self._parts.values():
            with contextlib.suppress(HarnessError):
                troubles.append(part.missing())
                part.place_at(self._offset_ns(part), list(head.operations) if head else [])
        found = [self._whole_part(worker, part, end_s) for worker, part in self._parts.items()]
        ending = Ending(trouble="; ".join(filter(None, troubles)) or None)
        return merge_parts(found, plan, self._timing, ending, Ready(head.operations if head else {}))

    def _whole_part(self, worker: str, part: IncomingPart, end_s: float) -> Part:
        ended_s = self._offset_ns(part) / NS_PER_S + part.ended_s
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
        placed = part.placement
        return Part(
            member=member,
            host=host,
            lost=lost,
            lost_at_s=ended_s,
            placed_within_ns=placed.error_ns if placed else None,
        )


def _unwritable(path: Path, error: OSError) -> HarnessError:
    return HarnessError(
        f"The calls of a worker cannot be written: {error.strerror}",
        where=str(path),
        remedy="Free some disk space or name another place",
    )
