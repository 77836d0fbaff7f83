"""Judge the validity of a run's numbers by configurable thresholds.

Noise of the host degrades a run; only causes of wrong numbers invalidate it. An overloaded or
stalling target is a valid finding.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from harness.model import Outcome
from harness.policy.thresholds import Level, Reason, Threshold, Thresholds
from harness.reading import generator, locustfile
from harness.reading.engines import words_of
from harness.reading.loop import aside, blocked, halted, pool, what_aside
from harness.reading.served import is_saturated
from harness.reading.summary import RunSummary
from harness.table.calls import Table
from harness.table.latency import harness_lag_ns, returned
from harness.table.pieces import pieces
from harness.units import format_ns, format_percent, format_rate

Check = Callable[[RunSummary, Thresholds], Iterator[Reason]]


@dataclasses.dataclass(frozen=True, slots=True)
class Validity:
    """Verdict on a run: the worst level of all findings, with the sentence of each finding."""

    findings: tuple[Reason, ...]

    @property
    def level(self) -> Level:
        """`valid`, `degraded` or `invalid`."""
        return max((finding.level for finding in self.findings), key=list(Level).index, default=Level.VALID)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences, worst first."""
        ordered = sorted(self.findings, key=lambda finding: -list(Level).index(finding.level))
        return tuple(finding.sentence for finding in ordered)


def run_reasons(run: RunSummary, thresholds: Thresholds) -> tuple[Reason, ...]:
    """Return the findings against the numbers of `run` as a whole."""
    checks = (
        _workers,
        _completeness,
        _locust,
        generator.findings,
        _stamps,
        _clock,
        _lag,
        aside,
        _late,
        _descheduled,
        blocked,
        halted,
        pool,
        _counters,
        _split,
        _backends,
    )
    return _found(checks, run, thresholds)


def stage_reasons(part: RunSummary, thresholds: Thresholds) -> tuple[Reason, ...]:
    """Return the findings against one of several stages; `part` is the run with only the calls of that stage.

    Causes that cannot be attributed to a stage (the clock, the host, back ends) count against every stage.
    """
    checks = (_stage_completed, generator.findings, _stamps, _clock, _lag, _late, _descheduled, _backends)
    return _found(checks, part, thresholds)


def _found(checks: Iterable[Check], run: RunSummary, thresholds: Thresholds) -> tuple[Reason, ...]:
    return tuple(
        reason for check in checks for reason in check(run, thresholds) if reason.level is not Level.VALID
    )


def _stage_completed(part: RunSummary, _limits: Thresholds) -> Iterator[Reason]:
    yield from (_invalid(sentence) for sentence in part.trouble)
    if part.planned and not part.total.outcomes["completed"]:
        yield _invalid("No call of this stage completed")


def _invalid(sentence: str) -> Reason:
    return Reason(Level.INVALID, sentence)


def _completeness(run: RunSummary, _limits: Thresholds) -> Iterator[Reason]:
    yield from (_invalid(sentence) for sentence in run.trouble)
    yield from (Reason(Level.DEGRADED, note) for note in run.document.notes)
    if run.document.interrupted:
        yield Reason(Level.DEGRADED, "The run was interrupted: it covers only its first part")
    if not run.total.outcomes["completed"]:
        yield _invalid("No call completed")
    yield from _failures(run)
    total = sum(run.total.outcomes.values())
    if total != run.planned:
        yield _invalid(f"The outcomes sum to {total}, not to the {run.planned} calls of the plan")
    if run.document.plan.executor == "open" and (expected := _planned_calls(run)) != run.planned:
        yield _invalid(f"The table holds {run.planned} calls, the plan {expected}")


def _failures(run: RunSummary) -> Iterator[Reason]:
    """Say that times are mainly those of failures: they may be far shorter, or longer, than those of the work."""
    failed, all_returned = run.total.outcomes["failed"], run.total.count
    if run.total.outcomes["completed"] and failed > all_returned / 2:
        yield Reason(
            Level.DEGRADED,
            f"Most calls failed ({format_percent(failed / all_returned)} of {all_returned:,}): the times are mainly those of failures. "
            "Mend the failures, or list the statuses that are expected",
        )


def _planned_calls(run: RunSummary) -> int:
    arrivals = round(sum(span.area for span in run.document.plan.spans if not span.warmup))
    journeys = run.facts.journeys if run.facts else None
    return arrivals + (journeys.later_calls if journeys else 0)


def _stamps(run: RunSummary, _limits: Thresholds) -> Iterator[Reason]:
    if count := sum(map(_contradictions, pieces(run.table))):
        yield _invalid(f"{count} calls have stamps that contradict one another")


def _contradictions(table: Table) -> int:
    rows = returned(table)
    split = rows["run_ns"] >= 0
    wrong = (
        (rows["dispatched_ns"] < rows["intended_ns"])
        | (rows["entered_ns"] < rows["dispatched_ns"])
        | (rows["completed_ns"] < rows["entered_ns"])
        | (
            split
            & (rows["run_ns"] + rows["wait_busy_ns"] > rows["completed_ns"] - rows["entered_ns"] + 10_000)
        )
    )
    return int(np.count_nonzero(wrong))


def _clock(run: RunSummary, limits: Thresholds) -> Iterator[Reason]:
    if run.facts and abs(run.facts.clock_step_s) > limits.clock_step_s:
        yield _invalid(f"The wall clock was stepped by {run.facts.clock_step_s:.3f} s during the run")


def _lag(run: RunSummary, limits: Thresholds) -> Iterator[Reason]:
    response_ns = run.total.histograms["response_ns"].percentile(0.5)
    lag_ns = run.harness_lag.percentile(0.99)
    if not response_ns or lag_ns is None:
        return
    # Both must be exceeded: half of a tiny response time is harmless, and so are 2 ms of a second.
    level = min(
        limits.lag_share.level(lag_ns / response_ns), limits.lag_ns.level(lag_ns), key=list(Level).index
    )
    owner = (
        "the harness itself"
        if run.facts is None or run.facts.knows_lateness
        else "no one known (the split was off)"
    )
    if locustfile.is_of_file(run) or generator.is_remote(run):
        owner = "the loop of the client"
    owner += what_aside(run)
    if not (run.facts is None or run.facts.knows_lateness):
        level = min(level, Level.DEGRADED, key=list(Level).index)
    yield Reason(
        level,
        f"Calls started late, held up by {owner}: {format_ns(lag_ns)} at p99, "
        f"against a median response of {format_ns(response_ns)}",
    )


def _late(run: RunSummary, limits: Thresholds) -> Iterator[Reason]:
    if run.document.plan.executor != "open" or not run.planned or run.document.interrupted:
        return
    never = run.total.outcomes["never_started"] if _driver_fell_behind(run) else 0
    share = (never + sum(_late_calls(piece, limits) for piece in pieces(run.table))) / run.planned
    yield Reason(
        limits.late_share.level(share),
        f"The load generator could not keep up: it started {format_percent(share)} of the calls (limit "
        f"{format_percent(limits.late_share.broken(share))}) over {format_ns(limits.lag_ns.invalid)} late, or never",
    )


def _late_calls(table: Table, limits: Thresholds) -> int:
    """Count the calls that started late because of the load generator, not of the target.

    In a backlog caused by the target, one delay of the load generator or the host is in the lag of every waiting call.
    It does not count for calls that were half a second late anyway.
    """
    sent = table[table["outcome"] != Outcome.NEVER_STARTED]
    own_ns = harness_lag_ns(sent)
    lag_ns = sent["dispatched_ns"] - sent["intended_ns"]
    late = (own_ns > limits.lag_ns.invalid) & (own_ns > limits.lag_share.degraded * lag_ns)
    return int(np.count_nonzero(late))


def _driver_fell_behind(run: RunSummary) -> bool:
    """Return true if arrivals never started because of the load generator, judged by the last ones that did start."""
    last = run.table[:0]
    for piece in pieces(run.table):
        last = np.concatenate([last, piece[piece["outcome"] != Outcome.NEVER_STARTED][-100:]])[-100:]
    if not len(last):
        return True
    lag_ns = int((last["dispatched_ns"] - last["intended_ns"]).sum())
    return int(last["lag_target_ns"].sum()) <= lag_ns / 2


def _counters(run: RunSummary, _limits: Thresholds) -> Iterator[Reason]:
    if run.facts and run.facts.counters_trouble:
        yield Reason(Level.DEGRADED, run.facts.counters_trouble)


def _split(run: RunSummary, _limits: Thresholds) -> Iterator[Reason]:
    if run.facts and run.facts.split_taken:
        yield Reason(
            Level.DEGRADED,
            f"The target, or a tool that it started, replaced the {words_of(run).hook} of the harness: service is not"
            " divided into executing and waits. Remove that, or run with --no-split",
        )


def _descheduled(run: RunSummary, limits: Thresholds) -> Iterator[Reason]:
    hosts = {f"the measured process {worker.name}": worker.host for worker in run.document.workers}
    for name, host in (hosts or {"the measured process": run.document.host}).items():
        share = host.descheduled_share
        if share is not None:
            yield Reason(
                limits.descheduled_share.level(share),
                f"CPU contention {format_percent(share)} (limit {format_percent(limits.descheduled_share.broken(share))}): "
                f"other processes delayed {name}. Use a quieter machine{_or_accept(limits.descheduled_share, share)}",
            )


def _or_accept(limit: Threshold, value: float) -> str:
    return ", or accept degraded" if limit.level(value) is Level.DEGRADED else ""


def _workers(run: RunSummary, limits: Thresholds) -> Iterator[Reason]:
    """Weigh the calls of a lost worker like calls that the load generator never started.

    The other workers' numbers stay true of the load that was left. Any loss is reported, however small.
    """
    for worker in run.document.workers:
        if worker.lost:
            level = limits.late_share.level(worker.undone_share)
            yield Reason(
                Level.INVALID if level is Level.INVALID else Level.DEGRADED,
                f"{worker.name} {worker.lost}; it left {format_percent(worker.undone_share)} of the plan undone",
            )


def _locust(run: RunSummary, limits: Thresholds) -> Iterator[Reason]:
    """Yield what Locust says of the run where it generated the load, and what its own users suffered from."""
    if run.document.locust is not None:
        yield from (Reason(Level.DEGRADED, note) for note in run.document.locust.notes)
        yield from locustfile.counted(run)
        yield from locustfile.findings(run, limits)


def _backends(run: RunSummary, limits: Thresholds) -> Iterator[Reason]:
    for name, backend in run.document.backends.items():
        if not backend.is_client and is_saturated(backend, limits):
            yield Reason(
                Level.DEGRADED,
                f"{name} was saturated: {format_rate(backend.achieved_per_s)} of the about {format_rate(backend.ceiling_per_s)} "
                "that this server can give; latencies measure the server",
            )
