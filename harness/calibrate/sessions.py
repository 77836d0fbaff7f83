"""Run one calibration session: judge a known change, and record the verdicts."""

import contextlib
import dataclasses
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from harness.calibrate.added import added_shares, injection_of
from harness.calibrate.beside import run_beside
from harness.calibrate.card import CalibrationOutcome, SessionOutcome
from harness.calibrate.effects import Disturbance, Trial
from harness.calibrate.project import POLICY, benchmark_name, write_project
from harness.calibrate.stress import disturbed
from harness.calibrate.workloads import WORK
from harness.errors import HarnessError
from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.judge.mutants import MUTANTS, stale_baseline
from harness.judge.plan import session_plan
from harness.judge.verdict import Comparison, Verdict
from harness.policy.policy import Policy
from harness.session.conductor import Progress, SessionRequest, run_session
from harness.session.receipt import Phase, Receipt, SessionPlan
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
    same work by pytest-benchmark. `plan` replaces the plan from the trial's budget.
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
        beside = self._beside(receipt, injection) if self.with_beside else None
        return self._outcome(receipt, added_shares(receipt, injection), beside)

    def _measure(self, injection: Injection, supervisor: Supervisor, progress: Progress) -> Receipt:
        loops = round(self.trial.import_ms * _MS / injection.loop_ns)
        request = SessionRequest(
            base=TreeSide("path:base", write_project(self.folder / "base")),
            candidate=TreeSide("path:same", write_project(self.folder / "same", loops)),
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
            confirm_seconds=sum(block.seconds for block in receipt.blocks if block.phase is Phase.CONFIRM),
            outcomes=[
                CalibrationOutcome(
                    benchmark=one.benchmark,
                    verdict=one.verdict,
                    change=one.change,
                    added=added.get(one.benchmark, 0.0),
                    mutants={
                        name: said[one.benchmark] for name, said in mutants.items() if one.benchmark in said
                    },
                )
                for one in judgement.comparisons
                if self._asks_about(one)
            ],
            null_clean=judgement.controls.null_clean,
            bad_blocks=judgement.controls.bad_blocks,
            load_average=os.getloadavg()[0],
            finished_at=started_now(),
            beside=beside,
        )

    def _asks_about(self, comparison: Comparison) -> bool:
        """Return True for metrics that the trial changes; in an A/A trial, for all judged metrics."""
        if self.trial.changes_nothing:
            return comparison.counts
        return comparison.counts and (comparison.metric == "cold_start") == bool(self.trial.import_ms)

    def _mutants(self, receipt: Receipt) -> dict[str, Mapping[str, Verdict]]:
        said = {name: mutant(receipt, self.policy) for name, mutant in MUTANTS.items()}
        if self.earlier is not None:
            with contextlib.suppress(HarnessError):
                said[STALE] = stale_baseline(receipt, self.policy, read_receipt(self.earlier))
        return said

    def _beside(self, receipt: Receipt, injection: Injection) -> dict[str, list[str]]:
        loops = {one.name: injection.loops(one) for one in receipt.benchmarks}
        spins = {name: loops.get(benchmark_name(name), 0) for name in WORK}
        folder = self.folder / "beside"
        folder.mkdir()
        judged = run_beside(folder, list(WORK), spins)
        return {rule: list(names) for rule, names in judged.flagged.items()}


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
