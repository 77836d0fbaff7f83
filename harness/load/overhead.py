"""Measure the cost of recording in the measured process before the run, side by side with an empty loop."""

from collections.abc import Callable
from pathlib import Path

import gevent

from harness.clock import SystemClock
from harness.load.back_to_back import make_slice
from harness.load.calling import Calling, Work, make_caller
from harness.load.instrument import Instrument
from harness.load.owner import Owner
from harness.load.rounds import difference_ns
from harness.load.stretches import Stretches
from harness.load.waits import Waits
from harness.model import Executor
from harness.run.facts import LoadFacts
from harness.table.recorder import Recorder

_CALLS = 2_000
_SLICE_NS = 2_000_000
_SWITCHES = 1_000


def measured_overhead(instrument: Instrument, scratch: Path, executor: Executor) -> LoadFacts:
    """Return the facts before the run, measured with its split; the folder `scratch` is written and removed."""
    split, waits = instrument.split, instrument.make_waits()
    return LoadFacts(
        origin_ns=0,
        origin_unix_s=0.0,
        split=split is not None,
        recorder_ns_per_call=recorder_ns_per_call(scratch, split, executor),
        split_ns_per_switch=split_ns_per_switch(split) if split else 0.0,
        waits_ns_per_switch=waits_ns_per_switch(split, waits) if split and waits else 0.0,
    )


def recorder_ns_per_call(scratch: Path, split: Stretches | None, executor: Executor) -> float:
    """Return the cost of recording one call, in ns: recorded no-op calls less an empty loop of them.

    Calls are recorded as the executor does it. The cost is the median of several alternating rounds; `scratch` is
    written and removed.
    """
    me = gevent.getcurrent()
    owners: dict[object, Owner] = split.owners if split else {}
    owners[me] = Owner()
    try:
        with Recorder(scratch, 0) as recorder:
            calling = Calling(
                Work(["call"], [_nothing], [[None]], SystemClock.now_ns), recorder, 0, split, owners
            )
            record = _back_to_back if executor is Executor.CLOSED else _one_by_one
            return difference_ns(record(calling, me), _bare)
    finally:
        scratch.unlink(missing_ok=True)
        owners.pop(me, None)


def split_ns_per_switch(split: Stretches) -> float:
    """Return the ns that the switch hook adds to one yield to the loop and back (two switches)."""

    def traced() -> float:
        split.start()
        elapsed_ns = _yield_often()
        split.stop()
        return elapsed_ns

    return difference_ns(traced, _yield_often)


def waits_ns_per_switch(split: Stretches, waits: Waits) -> float:
    """Return the ns that reading stacks adds to the same yield, made by a call; `waits` cannot be used afterwards."""
    me = gevent.getcurrent()

    def yielded(seen_by: Waits | None) -> float:
        split.owners[me] = Owner(0, me)
        split.waits = seen_by
        split.start()
        try:
            return _yield_often()
        finally:
            split.stop()
            split.waits = None
            split.owners.pop(me)

    return difference_ns(lambda: yielded(waits), lambda: yielded(None))


def _one_by_one(calling: Calling, me: object) -> Callable[[], float]:
    make, append = make_caller(calling), calling.recorder.appender()

    def recorded() -> float:
        start_ns = now_ns = SystemClock.now_ns()
        for _ in range(_CALLS):
            row = append(0, 0, now_ns, now_ns)
            now_ns = make(me, row, 0, 0, 0, 0)
        return (now_ns - start_ns) / _CALLS

    return recorded


def _back_to_back(calling: Calling, me: object) -> Callable[[], float]:
    make_calls, tail = make_slice(calling, [(0, 0)] * _CALLS), calling.recorder.tail

    def recorded() -> float:
        before, start_ns = tail[0], SystemClock.now_ns()
        end_ns = make_calls(me, start_ns, start_ns, 0, 0, start_ns + _SLICE_NS)
        return (end_ns - start_ns) / (tail[0] - before)

    return recorded


def _nothing(_event: object) -> None:
    pass


def _bare() -> float:
    start_ns = SystemClock.now_ns()
    for _ in range(_CALLS):
        _nothing(None)
    return (SystemClock.now_ns() - start_ns) / _CALLS


def _yield_often() -> float:
    start_ns = SystemClock.now_ns()
    for _ in range(_SWITCHES):
        gevent.sleep(0)
    return (SystemClock.now_ns() - start_ns) / _SWITCHES
