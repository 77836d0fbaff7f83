"""Compute the work that a trial adds to the candidate: before the session, and again after it."""

import statistics
import time
from collections.abc import Mapping

from harness.calibrate.effects import Trial
from harness.calibrate.project import benchmark_name
from harness.calibrate.workloads import WORK
from harness.session.receipt import Benchmark, Receipt
from harness.session.slots.injection import TAIL_TIMES, Injection, ns_per_loop
from harness.session.slots.slot_program import TAIL_EVERY, spin

_SLICE_NS = 3_000_000
_PAIRS = 31
_FIRST_LOOPS = 20_000


def injection_of(trial: Trial) -> Injection:
    """Return the work added to the candidate of `trial`."""
    if trial.changes_nothing:
        return Injection(loop_ns=1.0)
    call_loops = loops_per_call() if trial.spin_share or trial.tail else {}
    return Injection(ns_per_loop(), trial.spin_share, tail=trial.tail, call_loops=call_loops)


def loops_per_call() -> dict[str, float]:
    """Return the time of a call of each benchmark, in turns of the slots' loop, at this moment.

    Measures like a session: the median over pairs of slices, of calls and of the loop, one right after the other. With
    another tenant on the core, all may slow down by half from one moment to the next; a call timed in one state
    and a loop in another would add 1.5 % instead of 1 %. Uses CPU time, so that scheduling periods of about a slice's
    length do not count.
    """
    loops = max(1, round(_FIRST_LOOPS * _SLICE_NS / _spin_ns(_FIRST_LOOPS)))
    calls = {name: max(1, round(_SLICE_NS / _call_ns(name, 2))) for name in WORK}
    ratios: dict[str, list[float]] = {name: [] for name in WORK}
    for _ in range(_PAIRS):
        for name in WORK:
            ratios[name].append(_call_ns(name, calls[name]) / (_spin_ns(loops) / loops))
    return {benchmark_name(name): statistics.median(found) for name, found in ratios.items()}


def _call_ns(name: str, calls: int) -> float:
    work = WORK[name]
    start_ns = time.thread_time_ns()
    for _ in range(calls):
        work()
    return (time.thread_time_ns() - start_ns) / calls


def _spin_ns(loops: int) -> int:
    start_ns = time.thread_time_ns()
    spin(loops)
    return time.thread_time_ns() - start_ns


def added_shares(receipt: Receipt, injection: Injection) -> dict[str, float]:
    """Return the share of a call's time that was actually added, by benchmark; of a tail, its share over many calls.

    Calls and loop are timed again after the session; the result is the mean of both measurements.
    """
    now = loops_per_call() if injection.spin_share else {}
    return {one.name: _share(one, injection, now) for one in receipt.benchmarks}


def _share(benchmark: Benchmark, injection: Injection, now: Mapping[str, float]) -> float:
    looks = [look[benchmark.name] for look in (injection.call_loops, now) if benchmark.name in look]
    tail = TAIL_TIMES / TAIL_EVERY if injection.tail else 0.0
    return tail + (injection.loops(benchmark) / statistics.fmean(looks) if looks else 0.0)
