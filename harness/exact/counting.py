"""Count exactly: back-end calls, round trips, items and bytes of each operation, with the functions behind them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.exact.metrics import BACKGROUND, FAILURES, metric_of
from harness.exact.process import ExactPlan, read_facts, run_list
from harness.exact.repetition import Repetition, Value
from harness.processes.counted import CountFacts, Driver
from harness.processes.subject import Subject
from harness.supervise import Supervisor
from harness.target.failures import Failure, by_operation


def count_once(supervisor: Supervisor, subject: Subject, plan: ExactPlan, folder: Path) -> Repetition:
    """Count one repetition in a fresh process, into `folder`. Raises the errors that the process reports."""
    file = run_list(supervisor, subject, plan, "count", folder)
    return as_repetition(read_facts(folder / Driver.FACTS, CountFacts), file)


def as_repetition(facts: CountFacts, file: str = "") -> Repetition:
    """Return the metrics among the counts of a process, by the rule of `metric_of`; background work is left out."""
    values = {
        name: {
            FAILURES: failures_of(name, facts.failures, facts.requests),
            **_costs(facts.counters.get(name, {}), facts.sites.get(name, {}), facts.requests),
        }
        for name in facts.operations
        if name != BACKGROUND
    }
    return Repetition(facts.requests, values, file, facts.trouble or "")


def failures_of(operation: str, failures: Sequence[Failure], requests: int) -> Value:
    """Return the share of failed requests; its sites are the reasons, with the functions that raised."""
    reasons: dict[str, float] = {}
    for one in failures:
        if one.operation == operation:
            reasons[one.reason] = reasons.get(one.reason, 0.0) + one.count / requests
    return Value(by_operation(failures).get(operation, 0) / requests, reasons)


def _costs(
    counters: Mapping[str, int], sites: Mapping[str, Mapping[str, int]], requests: int
) -> dict[str, Value]:
    return {
        metric: Value(
            total / requests, {name: part / requests for name, part in sites.get(counter, {}).items()}
        )
        for counter, total in counters.items()
        if (metric := metric_of(counter)) is not None
    }
