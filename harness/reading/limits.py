"""Check runs against absolute limits (SLO): count the calls that broke each clause, and certify from the counts.

The text of a limit is a list of clauses, `p99<25ms,errors<0.1%`, after the name of an operation and a colon where it
is for that operation alone: `GET /assets/{id}: p99<25ms`.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from harness.errors import InvalidRunError, UsageError
from harness.plans.span import Span
from harness.policy.certificates import Certificate, certify
from harness.policy.growth import GrowthLimit, split
from harness.policy.policy import Limit, fits
from harness.policy.slo import Clause, LimitCount, SloMetric, State, parse
from harness.reading.counting import ALL, count_clause
from harness.reading.growing import Growth
from harness.reading.summary import RunSummary


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Result of one clause of a limit for an operation (or `all`), and for one stage of the plan if it names one."""

    operation: str
    stage: str | None
    certificate: Certificate

    @property
    def what(self) -> str:
        """The clause with its operation and stage, as a person would write it."""
        where = [self.operation if self.operation != ALL else "", f"stage {self.stage}" if self.stage else ""]
        place = ", ".join(filter(None, where))
        return f"{place}: {self.certificate.clause.text}" if place else self.certificate.clause.text

    @property
    def is_broken(self) -> bool:
        """True if the counts show that the clause is broken."""
        return self.certificate.state is State.BROKEN


def read_limit(text: str) -> Limit:
    """Return the limit that `text` writes; raises `UsageError` for anything else."""
    # A clause has no colon, but the name of an operation may have several.
    operation, colon, clauses = text.rpartition(":")
    if colon and not operation.strip():
        raise UsageError(f"'{text}' names no operation", remedy="Write it like 'GET /health: p99<25ms'")
    parse(clauses)
    return Limit(slo=clauses.strip(), operation=operation.strip() or "*")


def _of_calls(texts: Iterable[str]) -> list[str]:
    return [rest for text in texts if (rest := _divided(text)[0])]


def call_limits(texts: Iterable[str]) -> list[Limit]:
    """Return the limits on calls that a run was given, without its limits on growth. Raises `UsageError` for other text."""
    return [read_limit(text) for text in _of_calls(texts)]


def growth_limits(texts: Iterable[str]) -> list[GrowthLimit]:
    """Return the limits on growth that a run was given. Raises `UsageError` for other text."""
    return [limit for text in texts for limit in _divided(text)[1]]


def check_limit(text: str) -> None:
    """Raise `UsageError` for text that is no limit of a run."""
    call_limits([text])
    growth_limits([text])


def _divided(text: str) -> tuple[str, tuple[GrowthLimit, ...]]:
    """Return the part of a run's limit that is about calls, with its operation, and that about growth."""
    _, colon, clauses = text.rpartition(":")
    calls, growing = split(clauses)
    if growing and colon:
        raise UsageError(
            f"'{growing[0].text}' is a limit of the whole process, and has no operation",
            remedy=f"Write '{growing[0].text}' alone",
        )
    return (text if not growing else calls), growing


def stored_limits(texts: Iterable[str], spans: Iterable[Span] = ()) -> list[Limit]:
    """Return the limits of a stored run and of its stages. Raises `InvalidRunError` if they cannot be parsed."""
    own = [(span.slo, span.label) for span in spans if span.slo and not span.warmup]
    try:
        return [
            msgspec.structs.replace(read_limit(text), stage=stage)
            for text, stage in [*((text, None) for text in _of_calls(texts)), *own]
        ]
    except UsageError as error:
        raise InvalidRunError(
            f"The run's limits are damaged: {error.what}", remedy="Run the scenario again with --slo"
        ) from error


def check_operations(limits: Iterable[Limit], operations: Iterable[str]) -> None:
    """Refuse a limit for an operation that a run does not have: it would hold without any evidence."""
    offered = list(operations)
    for limit in limits:
        if not operations_of(limit, offered):
            raise UsageError(
                f"The limit '{limit.slo}' is for operation '{limit.operation}', which this run does not have",
                remedy=f"It has: {', '.join(offered)}",
            )


def operations_of(limit: Limit, offered: Sequence[str]) -> list[str]:
    """Return the operations that a limit counts: all calls together, or each one that it names."""
    if limit.operation == "*":
        return [ALL]
    return [name for name in offered if fits(limit.operation, name)]


def limit_findings(run: RunSummary, limits: Iterable[Limit]) -> Iterator[Finding]:
    """Yield what the counts of `run` certify of `limits`, regardless of the run's validity."""
    return (
        Finding(count.operation, count.stage, certify(clause, [count]))
        for count in limit_counts(run, limits)
        for clause in parse(count.clause)
    )


def limit_counts(run: RunSummary, limits: Iterable[Limit]) -> list[LimitCount]:
    """Count, for each clause of the limits that hold for the run's scenario, the calls that broke it."""
    return [
        count_clause(run, clause, operation, limit.stage)
        for limit in limits
        if limit.scenario in {None, run.document.scenario}
        for operation in operations_of(limit, list(run.document.plan.operations))
        for clause in parse(limit.slo)
    ]


def growth_finding(found: Growth, limit: GrowthLimit) -> Finding:
    """Return what the samples of a run certify of a limit on growth."""
    state, why, verdict = found.holds(limit)
    certificate = Certificate(
        clause=Clause(limit.text, SloMetric.GROWTH, limit=limit.per_hour),
        state=state,
        calls=0,
        exceeding=0,
        low=verdict.low if verdict else None,
        high=verdict.high if verdict else None,
        more=None,
        sentence=f"{state}: {why}",
        more_s=verdict.more_s if verdict else None,
    )
    return Finding(ALL, None, certificate)


def as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as `harness run --json` prints it."""
    certificate = finding.certificate
    return {
        "slo": certificate.clause.text,
        "operation": finding.operation,
        "stage": finding.stage,
        "state": str(certificate.state),
        "calls": certificate.calls,
        "exceeding": certificate.exceeding,
        "low": certificate.low,
        "high": certificate.high,
        "effective_calls": certificate.effective,
        "more": certificate.more,
        "more_s": certificate.more_s,
        "sentence": certificate.sentence,
    }
