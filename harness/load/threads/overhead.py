"""Measure the cost of recording one call of a thread, before the run, side by side with an empty loop."""

from pathlib import Path

from harness.clock import SystemClock
from harness.load.calling import Calling, Work
from harness.load.rounds import difference_ns
from harness.load.threads.caller import Caller, Gate
from harness.table.recorder import Recorder

_CALLS = 2_000


def recorder_ns_per_call(scratch: Path) -> float:
    """Return the cost of recording one call, in ns, with one thread: recorded no-op calls less an empty loop of them.

    The CPU time that is read around each call is part of it. `scratch` is written and removed.
    """
    try:
        with Recorder(scratch, 0) as recorder:
            calling = Calling(Work(["call"], [_nothing], [[None]], SystemClock.now_ns), recorder, 0, None, {})
            append, gate = recorder.appender(), Gate()
            rows = [append(0, 0, 0, 0)]
            make = Caller(calling, gate).make(lambda at_ns: rows.append(append(0, 0, at_ns, at_ns)))

            def recorded() -> float:
                start_ns = SystemClock.now_ns()
                for _ in range(_CALLS):
                    make(rows.pop(), 0, 0, 0, 0, 0)
                return (SystemClock.now_ns() - start_ns) / _CALLS

            return difference_ns(recorded, _bare)
    finally:
        scratch.unlink(missing_ok=True)


def _nothing(_event: object) -> None:
    pass


def _bare() -> float:
    start_ns = SystemClock.now_ns()
    for _ in range(_CALLS):
        _nothing(None)
    return (SystemClock.now_ns() - start_ns) / _CALLS
