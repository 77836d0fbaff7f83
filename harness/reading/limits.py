"""Check runs against absolute limits (SLO): count the calls that broke each clause, and certify from the counts.

The text of a limit is a list of clauses, `p99<25ms,errors<0.1%`, after the name of an operation and a colon where it
is for that operation alone: `GET /assets/{id}: p99<25ms`.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from harness.errors import InvalidRunError, UsageError
from harness.model import Outcome
from harness.plans.plan import stage_of
from harness.plans.span import Span
from harness.policy.policy import Limit, fits
from harness.policy.slo import Certificate, Clause, LimitCount, SloMetric, State, certify, parse
from harness.reading.summary import RunSummary
from harness.table.aside import has_time
from harness.table.calls import Table
from harness.table.pieces import pieces

ALL = "all"
"""Name that stands for all operations: a limit without an operation counts all calls together."""


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


def stored_limits(texts: Iterable[str], spans: Iterable[Span] = ()) -> list[Limit]:
    """Return the limits of a stored run and of its stages. Raises `InvalidRunError` if they cannot be parsed."""
    own = [(span.slo, span.label) for span in spans if span.slo and not span.warmup]
    try:
        return [
            msgspec.structs.replace(read_limit(text), stage=stage)
            for text, stage in [*((text, None) for text in texts), *own]
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
        Finding(count.operation, count.stage, certificate_of(count)) for count in limit_counts(run, limits)
    )


def limit_counts(run: RunSummary, limits: Iterable[Limit]) -> list[LimitCount]:
    """Count, for each clause of the limits that hold for the run's scenario, the calls that broke it."""
    return [
        _count(clause, limit, operation, run)
        for limit in limits
        if limit.scenario in {None, run.document.scenario}
        for operation in operations_of(limit, list(run.document.plan.operations))
        for clause in parse(limit.slo)
    ]


def _count(clause: Clause, limit: Limit, operation: str, run: RunSummary) -> LimitCount:
    counted = kept = 0
    for piece in pieces(run.table):
        rows = _rows(piece, run, operation, limit.stage)
        counted += len(rows)
        kept += _kept(clause, rows)
    return LimitCount(
        clause=clause.text,
        operation=operation,
        stage=limit.stage,
        calls=counted,
        exceeding=counted - kept,
        seconds=_seconds(run, limit.stage),
    )


def _kept(clause: Clause, rows: Table) -> int:
    """Count the calls that kept the clause: only a completed call can."""
    completed = rows[rows["outcome"] == Outcome.COMPLETED]
    if clause.metric is not SloMetric.LATENCY:
        return len(completed)
    # A call without a time is no evidence that it was quick.
    timed = completed[has_time(completed)]
    return int(np.count_nonzero(timed["completed_ns"] - timed["intended_ns"] <= clause.limit))


def _rows(table: Table, run: RunSummary, operation: str, stage: str | None) -> Table:
    plan = run.document.plan
    wanted = np.ones(len(table), bool)
    if operation != ALL:
        wanted &= table["operation"] == list(plan.operations).index(operation)
    if stage is not None:
        labels = [span.label for span in plan.spans if not span.warmup]
        places = [place for place, label in enumerate(labels) if label == stage]
        wanted &= np.isin(stage_of(table["intended_ns"], plan.spans), places)
    rows: Table = table[wanted]
    return rows


def _seconds(run: RunSummary, stage: str | None) -> float:
    if stage is None:
        return run.measured_s
    spans = [span for span in run.document.plan.spans if not span.warmup and span.label == stage]
    return sum(min(span.end_s, run.measured_s) - min(span.start_s, run.measured_s) for span in spans)


def certificate_of(count: LimitCount) -> Certificate:
    """Return the certificate of the clause that the counts support."""
    (clause,) = parse(count.clause)
    return certify(clause, calls=count.calls, exceeding=count.exceeding, seconds=count.seconds)


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
        "more": certificate.more,
        "sentence": certificate.sentence,
    }
