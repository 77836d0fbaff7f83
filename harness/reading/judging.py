"""Judge a run: the validity of its numbers, also stage by stage, and the limits that it keeps."""

import dataclasses
from collections.abc import Iterable, Iterator
from functools import cached_property

from harness.plans.span import Span
from harness.policy.policy import Limit
from harness.policy.slo import State
from harness.policy.thresholds import Level, Reason, Thresholds
from harness.reading.growing import Growth, growth
from harness.reading.limits import Finding, growth_finding, growth_limits, limit_findings, stored_limits
from harness.reading.stages import measured_s, rows_of_stages
from harness.reading.steady import Steadiness, WarmupFinding, end_of_warmup
from harness.reading.summary import OperationSummary, RunSummary
from harness.reading.validity import Validity, run_reasons, stage_reasons
from harness.units import lower_first


@dataclasses.dataclass(frozen=True, slots=True)
class JudgedStage:
    """One measured stage: its plan, its results, and the validity of its own numbers."""

    span: Span
    summary: OperationSummary
    validity: Validity
    measured_s: float

    @property
    def throughput_per_s(self) -> float | None:
        """Completed calls per second of the stage's measured time; None where nothing was measured."""
        return self.summary.outcomes["completed"] / self.measured_s if self.measured_s else None


@dataclasses.dataclass(frozen=True)
class JudgedRun:
    """A run with the validity of its numbers; made by `judge`."""

    run: RunSummary
    validity: Validity
    stages: tuple[JudgedStage, ...]
    """The measured stages, each with the validity of its own numbers."""
    warmup: WarmupFinding
    """End of warm-up, according to the data."""

    @cached_property
    def slo(self) -> tuple[Finding, ...]:
        """Findings on the limits that the run was asked to hold. Raises `InvalidRunError` where they are damaged."""
        document = self.run.document
        return (*findings(self, stored_limits(document.slos, document.plan.spans)), *self._of_growth())

    @cached_property
    def growth(self) -> Growth:
        """Growth of the process's resources. Raises `InvalidRunError` where the samples are damaged."""
        return growth(self.run)

    def _of_growth(self) -> Iterator[Finding]:
        why_not = _undecided_because(self, None)
        for limit in growth_limits(self.run.document.slos):
            finding = growth_finding(self.growth, limit)
            yield _withheld(finding, why_not) if why_not else finding


def judge(run: RunSummary, thresholds: Thresholds | None = None) -> JudgedRun:
    """Judge `run` by the given thresholds; by default those stored with the run.

    Never raises: every run has a validity, and missing data is never valid.
    """
    limits = thresholds or run.document.thresholds or Thresholds()
    warmup = end_of_warmup(run, limits)
    several = _stages(run, limits) if len(run.stages) > 1 else ()
    validity = Validity((*run_reasons(run, limits), *_of_warmup(warmup), *_of_stages(several)))
    return JudgedRun(run, validity, several or _as_one_stage(run, validity), warmup)


def findings(judged: JudgedRun, limits: Iterable[Limit]) -> tuple[Finding, ...]:
    """Return the findings of a run on `limits`. Invalid or interrupted runs and stages decide nothing."""
    return tuple(
        _withheld(finding, why_not) if (why_not := _undecided_because(judged, finding.stage)) else finding
        for finding in limit_findings(judged.run, limits)
    )


def _stages(run: RunSummary, thresholds: Thresholds) -> tuple[JudgedStage, ...]:
    alone = [dataclasses.replace(run, table=rows) for rows in rows_of_stages(run)]
    return tuple(
        JudgedStage(span, summary, Validity(stage_reasons(part, thresholds)), measured_s(run, span))
        for (span, summary), part in zip(run.stages, alone, strict=True)
    )


def _as_one_stage(run: RunSummary, validity: Validity) -> tuple[JudgedStage, ...]:
    return tuple(JudgedStage(span, summary, validity, measured_s(run, span)) for span, summary in run.stages)


def _of_warmup(finding: WarmupFinding) -> Iterator[Reason]:
    if finding.state is Steadiness.NOT_STEADY:
        yield Reason(Level.DEGRADED, f"Warm-up was {finding.sentence}")


def _of_stages(stages: Iterable[JudgedStage]) -> Iterator[Reason]:
    """Yield the stages that are invalid in a run that is otherwise not."""
    for stage in stages:
        if stage.validity.level is Level.INVALID:
            sentence = stage.validity.reasons[0]
            yield Reason(
                Level.DEGRADED,
                f"Stage '{stage.span.label}' is invalid by itself: {lower_first(sentence)}",
            )


def _undecided_because(judged: JudgedRun, stage: str | None) -> str:
    if judged.validity.level is Level.INVALID:
        return "the run is invalid"
    if stage is not None and any(
        part.span.label == stage and part.validity.level is Level.INVALID for part in judged.stages
    ):
        return "the stage is invalid"
    return "the run was interrupted" if judged.run.document.interrupted else ""


def _withheld(finding: Finding, reason: str) -> Finding:
    certificate = dataclasses.replace(
        finding.certificate,
        state=State.NOT_CERTIFIED,
        more=None,
        more_s=None,
        sentence=f"{State.NOT_CERTIFIED}: {reason}",
    )
    return dataclasses.replace(finding, certificate=certificate)
