"""Run one calibration session: judge a known change, and record the verdicts."""

import contextlib
import dataclasses
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from harness.calibrate.added import added_shares, injection_of
from harness.calibrate.beside import run_beside
from harness.calibrate.card import CalibrationOutcome, SessionOutcome
from harness.calibrate.effects import Code, Disturbance, Trial
from harness.calibrate.project import POLICY, benchmark_name, write_project
from harness.calibrate.stress import disturbed
from harness.errors import HarnessError
from harness.judge.conclusion import SEVERITY
from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.judge.metrics import IMPORT, PROCESS
from harness.judge.mutants import MUTANTS, stale_baseline
from harness.judge.plan import session_plan
from harness.judge.verdict import Comparison, Verdict
from harness.policy.policy import Policy
from harness.session.conductor import Progress, SessionRequest, run_session
from harness.session.receipt import Receipt, SessionPlan
from harness.session.receipt_file import NAME, read_receipt, write_receipt
from harness.session.sides.subjects import TreeSide
from harness.session.slots.injection import Injection
from harness.session.slots.sizing import Discovery
from harness.storage.stamps import started_now
from harness.supervise import Supervisor

STALE = "stale baseline"
_MS = 1e6


@dataclasses.dataclass(frozen=True, slots=True)
class CalibrationSession:
    """The settings of one session: its trial, seed, folder, and state of the gate.

    `earlier` is the receipt of an earlier session, for the mutant with a stored baseline. `with_beside` also judges the
    same work by pytest-benchmark, where the code is the same. `plan` replaces the plan from the trial's budget.
    """

    trial: Trial
    seed: int
    folder: Path
    gate: str
    earlier: Path | None = None
    with_beside: bool = False
    plan: SessionPlan | None = None

    @property
    def policy(self) -> Policy:
        """The policy of the session, with the trial's margin."""
        return msgspec.structs.replace(POLICY, margin_percent=self.trial.margin_percent)

    def run(self, supervisor: Supervisor, progress: Progress) -> SessionOutcome:
        """Measure, judge, and add the verdicts of the reference methods. Raises KeyboardInterrupt if interrupted."""
        cores = sorted(os.sched_getaffinity(0))
        with _on_one_core(self.trial, self.seed) as core:
            log = self.folder / "busy.log"
            with disturbed(self.trial.disturbance, core, cores, supervisor, log):
                injection = injection_of(self.trial)
                receipt = self._measure(injection, supervisor, progress)
        if receipt.interrupted:
            raise KeyboardInterrupt
        has_beside = self.with_beside and self.trial.code is Code.SAME
        beside = self._beside(receipt, injection) if has_beside else None
        return self._outcome(receipt, added_shares(receipt, injection), beside)

    def _measure(self, injection: Injection, supervisor: Supervisor, progress: Progress) -> Receipt:
        loops = round(self.trial.import_ms * _MS / injection.loop_ns)
        request = SessionRequest(
            base=TreeSide("path:base", write_project(self.folder / "base", self.trial)),
            candidate=TreeSide(
                "path:same", write_project(self.folder / "same", self.trial, self.trial.code, loops)
            ),
            policy=self.policy,
            seed=self.seed,
            log=self.folder / "slots.log",
            command=f"calibrate {self.trial.name}",
            injection=injection,
        )
        return run_session(
            request, plan_for=self._plan_for, looks=Looks(self.policy), supervisor=supervisor,
            write=lambda receipt: write_receipt(self.folder / NAME, receipt), progress=progress,
        )  # fmt: skip

    def _plan_for(self, found: Discovery) -> SessionPlan:
        if self.plan is not None:
            return self.plan
        count = len(found.comparable)
        budget_s = None if self.trial.budget_s is None else self.trial.budget_s * count
        return session_plan(budget_s, found.block_s(SessionPlan()), self.policy, count)

    def _outcome(
        self, receipt: Receipt, added: Mapping[str, float], beside: dict[str, list[str]] | None
    ) -> SessionOutcome:
        judgement = judge(receipt, self.policy)
        mutants = self._mutants(receipt)
        return SessionOutcome(
            trial=self.trial.name,
            gate=self.gate,
            receipt=self.folder.name,
            seconds=sum(block.seconds for block in receipt.blocks),
            outcomes=[
                CalibrationOutcome(
                    benchmark=name,
                    verdict=worst.verdict if worst.counts else Verdict.INCONCLUSIVE,
                    metric=worst.metric,
                    change=worst.change,
                    added=added.get(name, 0.0),
                    seconds=seconds_of(name, receipt),
                    mutants={other: said[name] for other, said in mutants.items() if name in said},
                )
                for name, worst in self.worst_of_each(judgement.comparisons).items()
            ],
            null_clean=judgement.controls.null_clean,
            bad_blocks=judgement.controls.bad_blocks,
            load_average=os.getloadavg()[0],
            finished_at=started_now(),
            beside=beside,
        )

    def worst_of_each(self, comparisons: Sequence[Comparison]) -> dict[str, Comparison]:
        """Return the worst comparison of each benchmark that the trial asks about; where several are as bad, the first.

        An A/A trial asks about everything. Otherwise what slows the whole process slows each of its benchmarks.
        """
        names = dict.fromkeys(one.benchmark for one in comparisons)
        if self.trial.changes_nothing:
            return {name: _worst(one for one in comparisons if one.benchmark == name) for name in names}
        asked = [name for name in names if name != PROCESS and (name == IMPORT) == bool(self.trial.import_ms)]
        return {
            name: _worst(one for one in comparisons if one.benchmark in {name, PROCESS}) for name in asked
        }

    def _mutants(self, receipt: Receipt) -> dict[str, Mapping[str, Verdict]]:
        said = {name: mutant(receipt, self.policy) for name, mutant in MUTANTS.items()}
        if self.earlier is not None:
            with contextlib.suppress(HarnessError):
                said[STALE] = stale_baseline(receipt, self.policy, read_receipt(self.earlier))
        return said

    def _beside(self, receipt: Receipt, injection: Injection) -> dict[str, list[str]]:
        loops = {one.name: injection.loops(one) for one in receipt.benchmarks}
        spins = {name: loops.get(benchmark_name(name), 0) for name in self.trial.works}
        folder = self.folder / "beside"
        folder.mkdir()
        judged = run_beside(folder, list(self.trial.works), spins)
        return {rule: list(names) for rule, names in judged.flagged.items()}


def _worst(comparisons: Iterable[Comparison]) -> Comparison:
    """Return the comparison with the worst verdict; one that does not count is the least bad."""
    order = {verdict: place for place, verdict in enumerate(SEVERITY)}
    return min(comparisons, key=lambda one: order.get(one.verdict, len(order)) if one.counts else len(order))


def seconds_of(benchmark: str, receipt: Receipt) -> float:
    """Return the time of the session for a benchmark, in seconds: that of its blocks, each shared equally among the block's.

    The import, and the process as a whole, have the time of all blocks.
    """
    mine = [block for block in receipt.blocks if benchmark in block.order]
    if not mine:
        return sum(block.seconds for block in receipt.blocks)
    return sum(block.seconds / len(block.order) for block in mine)


@contextlib.contextmanager
def _on_one_core(trial: Trial, seed: int) -> Iterator[int]:
    """Yield the session's core; a quiet session may use all cores, a disturbed one keeps to this one."""
    cores = os.sched_getaffinity(0)
    core = random.Random(seed).choice(sorted(cores))
    if trial.disturbance in {Disturbance.OTHER_CORE, Disturbance.SAME_CORE}:
        os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, cores)
