"""What recording itself costs, measured in the measured process before the run, side by side with nothing."""

import statistics
from collections.abc import Callable
from pathlib import Path

import gevent

from harness.clock import SystemClock
from harness.invoke import make_invoke
from harness.load.calling import Work, make_caller
from harness.load.split import Owner, Split
from harness.recorder import Recorder

_CALLS = 2_000
_ROUNDS = 7
_SWITCHES = 1_000


def recorder_ns_per_call(scratch: Path, split: Split | None) -> float:
    """Return what one call costs beyond the call: a recorded no-op loop less an empty loop of no-op calls.

    The median of several alternating rounds; `scratch` is written and removed.
    """
    invoke = make_invoke(_nothing, None, SystemClock.now_ns)
    me = gevent.getcurrent()
    owners: dict[object, Owner] = split.owners if split else {}
    try:
        with Recorder(scratch, 0) as recorder:
            owners[me] = Owner(is_target=True)
            make = make_caller(Work(["call"], [invoke], [[None]]), recorder, 0, split, owners)

            append = recorder.appender()

            def recorded() -> None:
                now_ns = SystemClock.now_ns()
                for _ in range(_CALLS):
                    row = append(0, 0, now_ns, now_ns)
                    now_ns = make(me, row, 0, 0, 0, 0)

            difference = _difference_ns(recorded, _bare) / _CALLS
    finally:
        scratch.unlink(missing_ok=True)
    owners.pop(me, None)
    return difference


def split_ns_per_switch(split: Split) -> float:
    """Return what the switch hook adds to one yield to the loop and back (two switches)."""

    def traced() -> None:
        split.start()
        _yield_often()
        split.stop()

    return _difference_ns(traced, _yield_often) / _SWITCHES


def _difference_ns(expensive: Callable[[], None], cheap: Callable[[], None]) -> float:
    differences = [_elapsed_ns(expensive) - _elapsed_ns(cheap) for _ in range(_ROUNDS)]
    return max(statistics.median(differences), 0.0)


def _elapsed_ns(work: Callable[[], None]) -> int:
    start_ns = SystemClock.now_ns()
    work()
    return SystemClock.now_ns() - start_ns


def _nothing(_event: object) -> None:
    pass


def _bare() -> None:
    for _ in range(_CALLS):
        _nothing(None)


def _yield_often() -> None:
    for _ in range(_SWITCHES):
        gevent.sleep(0)
