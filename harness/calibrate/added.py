"""What a trial adds to the candidate: worked out beforehand, and reckoned afterwards from what was measured."""

import time

from harness.calibrate.effects import Trial
from harness.calibrate.project import benchmark_name
from harness.calibrate.workloads import WORK
from harness.session.injection import Injection, ns_per_loop
from harness.session.receipt import Benchmark, Receipt

_RUN_NS = 1_000_000
_RUNS = 60


def injection_of(trial: Trial) -> Injection:
    """Return what the candidate of `trial` gets on top.

    Calls and loop are timed here, both at their fastest: one look of a session's discovery can meet a moment in which
    all is half as slow again, and then adds 1.5 % where 1 % was meant.
    """
    if trial.changes_nothing:
        return Injection(loop_ns=1.0)
    call_ns = ns_per_call() if trial.spin_share or trial.tail else {}
    return Injection(ns_per_loop(), trial.spin_share, tail=trial.tail, call_ns=call_ns)


def ns_per_call() -> dict[str, float]:
    """Return how long a call of each benchmark takes here at its fastest, the least of many runs of a millisecond."""
    calls = {name: max(1, round(_RUN_NS / _timed_ns(name, 2))) for name in WORK}
    least_ns = dict.fromkeys(WORK, float("inf"))
    for _ in range(_RUNS):
        for name in WORK:
            least_ns[name] = min(least_ns[name], _timed_ns(name, calls[name]))
    return {benchmark_name(name): ns for name, ns in least_ns.items()}


def _timed_ns(name: str, calls: int) -> float:
    work = WORK[name]
    start_ns = time.perf_counter_ns()
    for _ in range(calls):
        work()
    return (time.perf_counter_ns() - start_ns) / calls


def added_shares(receipt: Receipt, injection: Injection) -> dict[str, float]:
    """Return what was really added to a call of each benchmark, as a share of it: both at their fastest.

    It is reckoned from the session's own slices. The loop is timed again: a moment in which all was slow must not make
    the effect look larger than it was.
    """
    loop_ns = min(injection.loop_ns, ns_per_loop()) if injection.spin_share else injection.loop_ns
    least_ns = {one.name: _least_base_ns(receipt, one) for one in receipt.benchmarks}
    return {
        one.name: injection.loops(one) * loop_ns / least_ns[one.name]
        for one in receipt.benchmarks
        if least_ns[one.name]
    }


def _least_base_ns(receipt: Receipt, benchmark: Benchmark) -> float:
    """Return the base's fastest slice, per call; 0 where there is none."""
    slices = (block.slices.get(benchmark.name) for block in receipt.blocks)
    return min((min(one.base_ns) for one in slices if one), default=0) / benchmark.calls
