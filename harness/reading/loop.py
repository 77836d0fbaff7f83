"""Describe the event loop beside its calls: judging and renewing, blocking without the CPU, standing still."""

from collections.abc import Iterator

from harness.clock import NS_PER_S
from harness.model import Engine
from harness.policy.thresholds import Level, Reason, Thresholds
from harness.reading.engines import words_of
from harness.reading.summary import RunSummary
from harness.run.facts import MOST_THREADS
from harness.table.heldby import OTHERS
from harness.units import format_ns, format_percent

# A call as short as its own recording is slowed down by that too; reports show it as measurement overhead.
_OF_RECORDING_NS = 5_000
_MOST_ASIDE, _TOLD_ASIDE = 0.10, 0.02
# Allowed share of time with the loop blocked without the CPU; an operation's own share from which it is named.
_MOST_BLOCKED, _MOSTLY = 0.02, 0.5
_WHAT_STANDS = {
    Engine.GEVENT: "The event loop",
    Engine.ASYNCIO: "The event loop",
    Engine.THREADS: "All threads of the measured process",
}


def aside(run: RunSummary, _limits: Thresholds) -> Iterator[Reason]:
    """Report judging and renewing in the closed model: it lowers the throughput without lengthening response times."""
    plan, share = run.document.plan, _aside_share(run)
    calls = len(run.table) + len(run.warmup)
    is_more_than_recording = run.facts is not None and run.facts.aside_ns > _OF_RECORDING_NS * calls
    if plan.executor == "closed" and share / plan.users > _MOST_ASIDE and is_more_than_recording:
        yield Reason(
            Level.DEGRADED,
            f"The load generator judged answers and renewed events for {format_percent(share / plan.users)} of the time "
            "of its users: throughput is lower by that, response times are not",
        )


def what_aside(run: RunSummary) -> str:
    """Return the harness's own work while calls were late, in brackets; empty if it was little."""
    calls = len(run.table) + len(run.warmup)
    if run.facts is None or not calls or _aside_share(run) <= _TOLD_ASIDE:
        return ""
    # A share could exceed 100 %: calls that return late are judged after the measured time.
    each = format_ns(run.facts.aside_ns / calls)
    return f" (which took {each} a call to judge its answer by the target's outcome(result) and to renew its event)"


def blocked(run: RunSummary, _limits: Thresholds) -> Iterator[Reason]:
    """Name the operations that block the event loop while they wait: it can then run only one call at a time."""
    if run.facts is None or not (whole_ns := _whole_ns(run)):
        return
    blocked_ns = sum(one.blocked_ns for one in run.facts.blocked.values())
    # Steal is not accounted by thread: in the worst case all of the machine's was taken from this thread.
    steal_share = (run.document.host.steal_share or 0.0) * (run.document.environment.get("cores") or 1)
    if blocked_ns / whole_ns / max(len(run.document.workers), 1) - steal_share <= _MOST_BLOCKED:
        return
    cause = words_of(run).waits_unseen
    if run.facts.halted_ns > _MOST_BLOCKED * whole_ns:
        cause += ", or it waits for the GIL"
    for name, one in sorted(run.facts.blocked.items(), key=lambda item: -item[1].blocked_ns):
        if one.blocked_ns > _MOSTLY * one.held_ns:
            yield Reason(
                Level.DEGRADED,
                f"{words_of(run).others if name == OTHERS else name} holds the event loop without using the CPU: {format_ns(one.blocked_ns / one.stretches)} of "
                f"{format_ns(one.held_ns / one.stretches)} each time, {one.stretches} times; {cause}. Calls then run one after "
                f"the other: rates and capacity are those of a single call at a time. {words_of(run).remedy}",
            )


def halted(run: RunSummary, limits: Thresholds) -> Iterator[Reason]:
    """Report that the loop stood still for a larger share of the time than allowed."""
    if run.facts and (whole_ns := _whole_ns(run)):
        share = run.facts.halted_ns / whole_ns
        if limits.descheduled_share.level(share) is not Level.VALID:
            yield Reason(
                Level.DEGRADED,
                f"{_WHAT_STANDS[run.facts.engine]} stood still for {format_percent(share)} of the time, at most {format_ns(run.facts.longest_halt_ns)} "
                "at once, with work to do and neither on a processor nor waiting for one: a thread of the target held the GIL "
                "(native code that does not release it), or the process was stopped from outside",
            )


def pool(run: RunSummary, _limits: Thresholds) -> Iterator[Reason]:
    """Report that the pool of threads was too small for the calls in flight: calls then waited for a thread."""
    facts = run.facts
    if facts and facts.threads >= MOST_THREADS and facts.in_flight_peak > facts.threads:
        yield Reason(
            Level.DEGRADED,
            f"Up to {facts.in_flight_peak:,} calls were in flight, and the pool has {facts.threads:,} threads: the others waited "
            "for a free one, which is in their response times. Lower the rate, or share it among --workers",
        )


def _aside_share(run: RunSummary) -> float:
    """Return the time spent judging answers and renewing events, as a share of the whole time with its warm-up."""
    whole_ns = _whole_ns(run)
    return run.facts.aside_ns / whole_ns if run.facts and whole_ns else 0.0


def _whole_ns(run: RunSummary) -> float:
    """Return the time covered by the facts of the loop, in ns: the measured time with its warm-up."""
    return (run.measured_s + run.document.plan.warmup_s) * NS_PER_S
