"""Measure the cost of recording one call of a thread, before the run, side by side with an empty loop."""

from pathlib import Path

from harness.clock import SystemClock
from harness.load.calling import Calling, Work
from harness.load.rounds import difference_ns
from harness.load.threads.caller import Caller, Gate
from harness.model import Engine
from harness.run.facts import LoadFacts
from harness.table.recorder import Recorder

_CALLS = 2_000


def measured_overhead(scratch: Path) -> LoadFacts:
    """Return the facts before the run: the cost of recording a call with one thread, and the CPU time of reading its CPU time.

    The cost is that of recorded no-op calls less an empty loop of them. `scratch` is written and removed.
    """
    try:
        with Recorder(scratch, 0) as recorder:
            calling = Calling(Work(["call"], [_nothing], [[None]], SystemClock.now_ns), recorder, 0, None, {})
            append, gate = recorder.appender(), Gate()
            rows = [append(0, 0, 0, 0)]
            caller = Caller(calling, gate)
            make = caller.make(lambda at_ns: rows.append(append(0, 0, at_ns, at_ns)))

            def recorded() -> float:
                start_ns = SystemClock.now_ns()
                for _ in range(_CALLS):
                    make(rows.pop(), 0, 0, 0, 0, 0)
                return (SystemClock.now_ns() - start_ns) / _CALLS

            recorder_ns = difference_ns(recorded, _bare)
            (noop,) = caller.cpu()
            return LoadFacts(
                origin_ns=0,
                origin_unix_s=0.0,
                engine=Engine.THREADS,
                recorder_ns_per_call=recorder_ns,
                thread_cpu_read_ns=noop.cpu_ns / noop.calls,
            )
    finally:
        scratch.unlink(missing_ok=True)


def _nothing(_event: object) -> None:
    pass


def _bare() -> float:
    start_ns = SystemClock.now_ns()
    for _ in range(_CALLS):
        _nothing(None)
    return (SystemClock.now_ns() - start_ns) / _CALLS
