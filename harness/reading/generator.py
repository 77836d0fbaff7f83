"""Judge the load generator of a run whose target is another process: its processor, its loop, and its ceiling.

The client then shares nothing with what it measures, so whatever holds it makes the server look slower than it is.
"""

from collections.abc import Iterator

from harness.policy.thresholds import Level, Reason, Threshold, Thresholds
from harness.reading.served import is_saturated
from harness.reading.summary import RunSummary
from harness.target.spec import HTTP, kind_and_place
from harness.units import format_percent, format_rate

# Beyond the first, requests queue for the processor of the client; beyond the second, the client is what is measured.
BUSY = Threshold(0.75, 0.95)
# Share of the time of requests in which other work of the client held its loop. The server may have needed it too, so
# this alone makes no number wrong.
LOOP_SHARE = Threshold(0.25, 1.0)
_REMEDY = "Share the load among more processes with --workers, or lower it"


def is_remote(run: RunSummary) -> bool:
    """Return True if the calls of a run were requests of the harness's own client to another process."""
    return run.facts is not None and run.facts.is_remote


def is_foreign(run: RunSummary) -> bool:
    """Return True for a run of a server by its URL: its process is somebody else's, so it has no profiles."""
    return kind_and_place(run.document.target.partition("?")[0])[0] == HTTP


def findings(run: RunSummary, limits: Thresholds) -> Iterator[Reason]:
    """Return the findings against the harness's own client; none against a run without it."""
    if not is_remote(run):
        return
    if run.document.plan.executor == "closed":
        # The pacer of an open model spins before each arrival, and a client that cannot keep up starts its calls late.
        yield from processor(run, "The load generator", _REMEDY)
    yield from loop(run)
    for name, facts in run.document.backends.items():
        if facts.is_client and is_saturated(facts, limits):
            yield Reason(
                Level.DEGRADED,
                f"{name} was close to its own ceiling: {format_rate(facts.achieved_per_s)} of the about "
                f"{format_rate(facts.ceiling_per_s)} that it can make on this machine. The load generator was the limit, not the "
                f"server. {_REMEDY}",
            )


def processor(run: RunSummary, name: str, remedy: str) -> Iterator[Reason]:
    """Report that the client's processes had work for most of the time; `name` is that of one of them."""
    hosts = {f"{name} {worker.name}": worker.host for worker in run.document.workers}
    for one, host in (hosts or {name: run.document.host}).items():
        if host.cpu_share is None:
            continue
        # A process that waits for a processor has work too.
        share = min(host.cpu_share + (host.descheduled_share or 0.0), 1.0)
        yield Reason(
            BUSY.level(share),
            f"{one} had work for {format_percent(share)} of the time (limit {format_percent(BUSY.broken(share))}): the times are "
            f"partly those of the client. {remedy}",
        )


def loop(run: RunSummary) -> Iterator[Reason]:
    """Report that other work of the client held its loop while requests waited."""
    share = loop_share(run)
    if share is not None:
        yield Reason(
            LOOP_SHARE.level(share),
            f"While requests waited, other work of the client held its loop for {format_percent(share)} of their time (limit "
            f"{format_percent(LOOP_SHARE.degraded)}): the responses may have been there earlier",
        )


def loop_share(run: RunSummary) -> float | None:
    """Return the share of the time of requests in which others held the client's loop; None without the split."""
    service, busy = run.total.histograms["service_ns"], run.total.histograms["wait_busy_ns"]
    return busy.total / service.total if busy.count and service.total else None
