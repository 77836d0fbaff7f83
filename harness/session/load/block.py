"""Measure one block of load: a segment of each side and one more of the base, each in a fresh process."""

import dataclasses
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from harness.errors import HarnessError, RefusedError
from harness.policy.policy import Limit
from harness.policy.thresholds import Level, Threshold, Thresholds
from harness.processes.loadrun import LoadPlan, Subject, run_into
from harness.reading.judging import judge
from harness.reading.limits import limit_counts
from harness.reading.summary import load
from harness.run.directory import RunDirectory
from harness.run.documents import BackendFacts, RunDocument
from harness.session.load.segments import fault_of, segment_of
from harness.session.receipt import LoadBlock, Phase, Receipt, Segment, Side
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

    def subject(self, label: str) -> Subject:
        """Return the load run's target of a segment: the null control uses the base."""
        return self.subjects[Side.BASE if label == NULL else Side(label)]


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
        self.trouble: str | None = "The session was interrupted in this block"
        self.failed = False
        """True if a measured process failed; a block can be unusable without that."""

    def measure(self) -> None:
        """Make the segments in order; the first unusable one ends the block, and is its trouble.

        Raises `RefusedError` for a side that cannot be measured: every other block would fail too.
        """
        for label in self._order:
            try:
                segment = self._segments[label] = self._segment(label)
            except HarnessError as error:
                self.trouble, self.failed = f"{label}: {error}", True
                if isinstance(error, RefusedError):
                    raise
                return
            if fault := fault_of(segment):
                self.trouble = f"{label}: {fault}"
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

    def _segment(self, label: str) -> Segment:
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
            directory, session.supervisor, session.subject(label), plan, self._document(label, plan), silent
        )
        if document.interrupted:
            raise KeyboardInterrupt
        result.ending.raise_refusal()
        run = load(directory.path)
        run.document.backends = session.servers.facts(run.counters, run.measured_s)
        directory.write(run.document)
        self.failed = bool(run.trouble) or not run.total.outcomes["completed"]
        stands_alone = judge(run).validity.level is not Level.INVALID
        limits = limit_counts(run, session.limits) if stands_alone else []
        return segment_of(run, judge(run, session.thresholds).validity, result.ready, limits)

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
