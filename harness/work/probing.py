"""One probe of a search for capacity: a run in a process of its own, into a run directory, and its result.

Each probe has a fresh process and its own warm-up, so that the remains of a broken probe (a backlog, grown caches, a heap)
do not affect the next one. That costs about two seconds each.
"""

import dataclasses
from pathlib import Path

import msgspec

from harness.capacity.document import LimitSeen, MetricFacts, ProbeFacts
from harness.capacity.search import Step
from harness.capacity.seen import Sight
from harness.console.console import Talk
from harness.console.watching import watched
from harness.errors import HarnessError
from harness.policy.slo import SloMetric, State, parse
from harness.policy.thresholds import Level, Thresholds
from harness.processes.loadrun import LoadPlan, run_into
from harness.processes.measure import Ending
from harness.reading.counting import ALL
from harness.reading.judging import JudgedRun, judge
from harness.reading.limits import Finding, read_limit
from harness.reading.summary import load, throughput
from harness.run.directory import RunDirectory
from harness.run.documents import RunDocument
from harness.supervise import Supervisor
from harness.units import format_rate_in_full
from harness.work.begun import document_of
from harness.work.finished import write_histograms
from harness.work.preparing import subject_of
from harness.work.servers import Backends
from harness.work.subjects import Selection


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """The question to the target at every rate."""

    selection: Selection
    plan: LoadPlan
    slos: tuple[str, ...]
    command: str
    shape: tuple[str, ...]
    thresholds: Thresholds | None = None

    @property
    def metric(self) -> MetricFacts:
        """The metric of the chart: the first percentile with a limit, else errors."""
        clauses = [clause for text in self.slos for clause in parse(read_limit(text).slo)]
        for clause in clauses:
            if clause.metric is SloMetric.LATENCY:
                return MetricFacts(name=clause.text.partition("<")[0].strip(), unit="ns", limit=clause.limit)
        errors = next((clause for clause in clauses if clause.metric is SloMetric.ERRORS), None)
        return MetricFacts(name="errors", unit="share", limit=errors.share if errors else None)


@dataclasses.dataclass(frozen=True, slots=True)
class Prober:
    """Maker of the probes of one search, below `folder`."""

    question: Question
    folder: Path
    supervisor: Supervisor
    backends: Backends
    talk: Talk

    def probe(self, step: Step, duration_s: float, number: int) -> tuple[ProbeFacts, Ending]:
        """Measure at one rate; return the facts, and how the probe ended."""
        question = self.question
        plan = dataclasses.replace(
            question.plan, rate_per_s=step.rate_per_s, duration_s=duration_s, seed=question.plan.seed + number
        )
        plan.check()
        directory = RunDirectory.create(self.folder, f"{number:02}-{step.rate_per_s:g}", "")
        self.backends.forget()
        what = f"{'Confirming' if step.confirms else 'Probing'} {format_rate_in_full(step.rate_per_s)}"
        variant = question.selection.variants[0]
        subject = subject_of(question.selection, variant, self.backends)
        try:
            with watched(self.talk, what, plan, directory.timing) as tick:
                document, result = run_into(
                    directory,
                    self.supervisor,
                    subject,
                    plan,
                    lambda mix: document_of(question, variant, plan, mix, self.backends),
                    tick,
                )
        finally:
            if not directory.facts_path.exists():
                directory.discard()
        return self._seen(directory, document, step, plan), result.ending

    def _seen(self, directory: RunDirectory, document: RunDocument, step: Step, plan: LoadPlan) -> ProbeFacts:
        judged = self._load(directory, document)
        common = ProbeFacts(
            folder=directory.path.name,
            rate_per_s=step.rate_per_s,
            duration_s=plan.duration_s,
            seed=plan.seed,
            confirms=step.confirms,
            sight=Sight.INVALID,
            validity=Level.INVALID,
            reasons=[*document.trouble],
        )
        return common if judged is None else facts_of(judged, common, self.question.metric)

    def _load(self, directory: RunDirectory, document: RunDocument) -> JudgedRun | None:
        try:
            run = load(directory.path)
            document.backends = self.backends.facts(run.counters, run.measured_s, run.total.count)
            write_histograms(run)
            directory.write(document)
            return judge(load(directory.path))
        except HarnessError as error:
            document.trouble.append(str(error))
            directory.write(document)
            return None


def facts_of(judged: JudgedRun, common: ProbeFacts, metric: MetricFacts) -> ProbeFacts:
    """Return `common` with the run's result for the SLO. Only certified limits hold; an invalid run shows nothing."""
    run = judged.run
    response = run.total.histograms["response_ns"]
    return msgspec.structs.replace(
        common,
        sight=sight(judged),
        validity=judged.validity.level,
        reasons=[*judged.validity.reasons],
        limits=[_limit(finding) for finding in judged.slo],
        planned=run.planned,
        completed=run.total.outcomes["completed"],
        answered_per_s=throughput(run.directory.calls_path, run.measured_s) if run.measured_s else 0.0,
        p50_ns=response.supported_percentile(0.5),
        p99_ns=response.supported_percentile(0.99),
        metric=_metric(judged, metric),
    )


def _limit(finding: Finding) -> LimitSeen:
    certificate = finding.certificate
    is_share = certificate.clause.metric is not SloMetric.THROUGHPUT
    return LimitSeen(
        what=finding.what,
        state=str(certificate.state),
        sentence=certificate.sentence,
        share=certificate.clause.share if is_share else None,
        calls=certificate.calls,
        exceeding=certificate.exceeding,
        variance=certificate.variance,
        slow_effect=certificate.slow_effect,
    )


def sight(judged: JudgedRun) -> Sight:
    """Return the result of a run for its limits."""
    if judged.validity.level is Level.INVALID:
        return Sight.INVALID
    states = [finding.certificate.state for finding in judged.slo]
    if State.BROKEN in states:
        return Sight.BROKE
    return Sight.HELD if states and all(state is State.CERTIFIED for state in states) else Sight.OPEN


def _metric(judged: JudgedRun, metric: MetricFacts) -> float | None:
    """Return the chart's value: for the operation that the first such limit names, else for all calls."""
    run = judged.run
    if metric.unit == "share":
        return 1 - run.total.outcomes["completed"] / run.planned if run.planned else None
    names = [
        finding.operation for finding in judged.slo if finding.certificate.clause.text.startswith(metric.name)
    ]
    name = names[0] if names else ALL
    summary = run.total if name == ALL else run.operations[name]
    return summary.histograms["response_ns"].percentile(float(metric.name[1:]) / 100)
