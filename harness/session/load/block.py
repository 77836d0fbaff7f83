"""Measure one block of load: a segment of each side and one more of the base, each in a fresh process.

Servers that the harness starts are fresh in every block too, and alive together: one of each side, and one more of the base for
the null control. The replicate is the launch: what a launch happens to bring (hash seed, layout, the workers' places on the
processors) differs between servers of identical code, for as long as they live. Segments of one server, asked twice, agree
better than two servers of identical code do; a null control of that kind would let pass what it is there to find.
"""

import contextlib
import dataclasses
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from harness.errors import HarnessError, RefusedError
from harness.policy.policy import Limit
from harness.policy.thresholds import Level, Threshold, Thresholds
from harness.processes.job import Ready
from harness.processes.loadrun import LoadPlan, run_into
from harness.processes.subject import Subject
from harness.reading.judging import judge
from harness.reading.limits import limit_counts
from harness.reading.summary import RunSummary, load
from harness.run.directory import RunDirectory
from harness.run.documents import BackendFacts, RunDocument
from harness.serving.server import RunningServer, Server, how_lost
from harness.session.load.locustfile import run_locustfile
from harness.session.load.segments import fault_of, segment_of
from harness.session.receipt import LoadBlock, Phase, Receipt, Segment, Side
from harness.session.sides.served import ServedSide
from harness.storage.stamps import started_now
from harness.supervise import Supervisor
from harness.target.spec import TargetSpec

NULL = "null"
"""Label of the segment that measures the base once more."""
PAIRED_THRESHOLDS = Thresholds(descheduled_share=Threshold(0.02, 0.5))
"""Validity limits for segments. Other activity on the machine affects both sides alike, in random order: it costs
power and adds no bias. So a segment may be disturbed more than a single run. Absolute limits have no second side to
compare with: they count only segments that are valid as runs.
"""


class Servers(Protocol):
    """The servers behind the targets, as the segments need them."""

    def forget(self) -> None:
        """Empty the shared caches."""

    def facts(
        self, counters: Mapping[str, Mapping[str, int]], measured_s: float, /
    ) -> dict[str, BackendFacts]:
        """Return each server's ceiling and the rate that a run requested from it."""


@dataclasses.dataclass(frozen=True, slots=True)
class LoadSession:
    """The settings that all segments share. `plan` has rate and duration of one segment; its seed is drawn per block.

    `folder` gets one run directory for each segment. Those of usable segments are removed as soon as they are
    summarised, unless `keep`; the others stay as evidence. `thresholds` decide which segments are unusable. The
    overlay of a side links file by file, so that Python writes no byte code into the user's tree.
    """

    supervisor: Supervisor
    servers: Servers
    subjects: Mapping[Side, Subject]
    plan: LoadPlan
    folder: Path
    limits: tuple[Limit, ...] = ()
    thresholds: Thresholds = PAIRED_THRESHOLDS
    keep: bool = False
    served: Mapping[Side, ServedSide] = dataclasses.field(default_factory=dict)
    """The sides of servers that the harness starts."""
    locustfile: Path | None = None
    """File whose users drive the servers, in place of the plan's calls."""

    @property
    def logs(self) -> Path:
        """Folder for the logs of the servers that the harness starts."""
        return self.folder.parent / "servers"

    def subject(self, label: str) -> Subject:
        """Return the load run's target of a segment: the null control uses the base."""
        return self.subjects[side_of(label)]


def side_of(label: str) -> Side:
    """Return the side that a segment measures."""
    return Side.BASE if label == NULL else Side(label)


class BlockInTheMaking:
    """One block while it is measured; `record` is available at any time."""

    def __init__(self, session: LoadSession, receipt: Receipt, phase: Phase, rng: random.Random) -> None:
        self._session = session
        self._receipt = receipt
        self._phase = phase
        self._number = len(receipt.load_blocks)
        self._seed = rng.randrange(2**31)
        self._order = rng.sample([*Side, NULL], len(Side) + 1)
        self._segments: dict[str, Segment] = {}
        self._running: dict[str, RunningServer] = {}
        self.trouble: str | None = "The session was interrupted in this block"
        self.failed = False
        """True if a measured process failed; a block can be unusable without that."""

    def measure(self) -> None:
        """Make the segments in order; the first unusable one ends the block, and is its trouble.

        Raises `RefusedError` for a side that cannot be measured: every other block would fail too.
        """
        at = NULL
        try:
            with contextlib.ExitStack() as servers:
                for at in self._order:
                    self._start(at, servers)
                for at in self._order:
                    segment = self._segments[at] = self._segment(at)
                    if fault := fault_of(segment):
                        self.trouble = f"{at}: {fault}"
                        return
                for at in self._order:
                    self._refuse_other_code(at)
        except HarnessError as error:
            self.trouble, self.failed = f"{at}: {error}", True
            if isinstance(error, RefusedError):
                raise
            return
        self.trouble = None

    def record(self) -> LoadBlock:
        """Return the block as measured so far."""
        return LoadBlock(
            number=self._number,
            phase=self._phase,
            seed=self._seed,
            order=[str(label) for label in self._order],
            base=self._segments.get(Side.BASE),
            candidate=self._segments.get(Side.CANDIDATE),
            null=self._segments.get(NULL),
            trouble=self.trouble,
        )

    def _start(self, label: str, servers: contextlib.ExitStack) -> None:
        server = self._session.subject(label).server
        if isinstance(server, Server):
            log = self._session.logs / f"{server.name}-{label}.log"
            self._running[label] = servers.enter_context(server.running(self._session.supervisor, log))

    def _refuse_other_code(self, label: str) -> None:
        if server := self._running.get(label):
            self._session.served[side_of(label)].refuse_other_code(server)

    def _subject(self, label: str) -> Subject:
        subject = self._session.subject(label)
        return dataclasses.replace(subject, server=self._running.get(label, subject.server))

    def _segment(self, label: str) -> Segment:
        if self._session.locustfile:
            return self._of_locustfile(label, self._session.locustfile)
        directory = RunDirectory.create(self._session.folder, f"{self._number:03}", label)
        try:
            segment = self._measured(directory, label)
        except KeyboardInterrupt:
            directory.discard()
            raise
        if fault_of(segment) or self._session.keep:
            return msgspec.structs.replace(segment, directory=directory.path.name)
        directory.discard()
        return segment

    def _measured(self, directory: RunDirectory, label: str) -> Segment:
        session = self._session
        plan = dataclasses.replace(session.plan, seed=self._seed)
        session.servers.forget()
        document, result = run_into(
            directory, session.supervisor, self._subject(label), plan, self._document(label, plan), silent
        )
        if document.interrupted:
            raise KeyboardInterrupt
        result.ending.raise_refusal()
        run = load(directory.path)
        run.document.backends = session.servers.facts(run.counters, run.measured_s)
        directory.write(run.document)
        return self._summarised(run, result.ready)

    def _of_locustfile(self, label: str, file: Path) -> Segment:
        session, server = self._session, self._running[label]
        plan = dataclasses.replace(session.plan, seed=self._seed)
        folder = session.folder / f"{self._number:03}-{label}"
        try:
            run = load(run_locustfile(session.supervisor, file, server.url, plan, folder))
        except KeyboardInterrupt:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        ready = Ready({}, opening_ns=server.ready_ns)
        segment = self._summarised(run, ready, how_lost(server))
        if fault_of(segment) or session.keep:
            return msgspec.structs.replace(segment, directory=folder.name)
        shutil.rmtree(folder)
        return segment

    def _summarised(self, run: RunSummary, ready: Ready, lost: str | None = None) -> Segment:
        """Return the segment of a run; `lost` is the sentence on a server that ended meanwhile."""
        session = self._session
        self.failed = bool(run.trouble or lost) or not run.total.outcomes["completed"]
        stands_alone = judge(run).validity.level is not Level.INVALID
        limits = limit_counts(run, session.limits) if stands_alone else []
        segment = segment_of(run, judge(run, session.thresholds).validity, ready, limits)
        if lost:
            return msgspec.structs.replace(
                segment, validity=str(Level.INVALID), reasons=[lost, *segment.reasons]
            )
        return segment

    def _document(self, label: str, plan: LoadPlan) -> Callable[[dict[str, float]], RunDocument]:
        receipt, subject = self._receipt, self._session.subject(label)
        return lambda mix: RunDocument(
            scenario=plan.scenario.name,
            target=TargetSpec(subject.factory, subject.parameters).text,
            variant=label,
            seed=plan.seed,
            started_at=started_now(),
            command=receipt.command,
            plan=plan.facts(mix),
            environment=receipt.environment,
        )


def silent(_elapsed_s: float) -> None:
    """Ignore the time: a session reports progress by blocks."""
