"""Record the calls of a target in a Locust process, where Locust controls users, time and end.

Locust decides when a user calls; a call is intended when the user's think time ends, as in the closed model.
"""

# Locust monkey-patches on import, which must happen before the target imports anything.
import locust  # noqa: F401  # isort: skip
import contextlib
import dataclasses
import gc
import inspect
import itertools
import math
import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gevent
import greenlet
import msgspec
import numpy as np
from gevent.hub import get_hub

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError, RefusedError, UsageError
from harness.load.calling import make_caller
from harness.load.facts import at_origin
from harness.load.greenlets import GreenletCount, sampling
from harness.load.instrument import Instrument, Measurement
from harness.load.lateness import lag_owners
from harness.load.locust.names import Names
from harness.load.locust.rebasing import move_all, move_back
from harness.load.locust.watching import Watching
from harness.load.overhead import measured_overhead
from harness.load.owner import Owner
from harness.load.split import Split
from harness.load.vetting import TIMEOUTS, Vetting, refuse_process_pools
from harness.model import Engine, Executor, Outcome
from harness.plans.plan import choose
from harness.processes.host_watch import HostWatch
from harness.run.documents import HostFacts
from harness.run.facts import LoadFacts
from harness.table import calls
from harness.table.heldby import DRIVER
from harness.table.recorder import FILL_BASE
from harness.target.carrying import Carrier
from harness.target.events import prepare_events
from harness.target.failures import merged
from harness.target.importing import append_current_folder
from harness.target.loading import LoadedTarget, closing_target, make

# Operations are drawn in a cycle of this length.
_SEQUENCE = 65_536
_DRIVEN = "Let the harness drive it: harness run closed --target SPEC --users N"
_ENTERED = struct.Struct("<q").unpack_from
_OPERATION = struct.Struct("<H").unpack_from


@dataclasses.dataclass(frozen=True, slots=True)
class Called:
    """The target of a process's users, and the operations that they call."""

    factory: str
    parameters: Mapping[str, str]
    operations: Mapping[str, float]
    """Mix of operations; empty for the target's own mix."""
    think_time_s: float
    seed: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """One completed call."""

    operation: str
    outcome: Outcome
    service_ns: int
    completed_ns: int
    target_ns: int
    """Total time that the target had held the loop by then, in ns."""


class HostedTarget:
    """The target of this process, made, opened and closed once, and used by one recording after the other."""

    def __init__(self, called: Called, scratch: Path) -> None:
        """Make and open the target. Raises `TargetError` or `UsageError`. `scratch` is a folder for measuring the recorder."""
        with contextlib.ExitStack() as kept:
            self._make(called, scratch, kept.enter_context(Carrier()))
            self._kept = kept.pop_all()

    def _make(self, called: Called, scratch: Path, carrier: Carrier) -> None:
        append_current_folder()
        refuse_process_pools()
        there = _greenlets()
        self.called = called
        self.vetting = Vetting(interruptible=True)
        self.target = make(called.factory, called.parameters)
        _check_engine(called.factory, self.target)
        self.mix = _mix(called, self.target)
        self.instrument = Instrument(
            self.target,
            carrier,
            # Another tool may have the hook already; greenlet supports only one.
            split=Split(get_hub(), SystemClock.now_ns) if greenlet.gettrace() is None else None,
            current=gevent.getcurrent,
        )
        self.instrument.alive = {"greenlets": GreenletCount()}
        self.instrument.choose(self.mix)
        self.instrument.open()
        # Locust inspects its stack when it stops: the first time reads sources and blocks the loop for up to 0.1 s.
        inspect.stack()
        self.overhead = measured_overhead(self.instrument, scratch / "scratch.npy", Executor.OPEN)
        # Work before the target was made is Locust's and counts as the driver's; measuring the overhead resets owners.
        for one in there:
            self.instrument.owners.setdefault(one, Owner())
        events = prepare_events(self.target, self.mix, called.seed, {})
        self.work = self.instrument.make_work(events, TIMEOUTS, self.vetting)

    def close(self) -> None:
        """Close the target. Raises `TargetError` if that fails."""
        with self._kept, closing_target(self.target):
            pass

    def own(self, me: gevent.Greenlet) -> None:
        """Count the work of a greenlet as the driver's, until it ends."""
        owners = self.instrument.owners
        if me not in owners:
            owners[me] = Owner(root=me)
            me.rawlink(lambda ended: owners.pop(ended, None))


class Recording:
    """One test in this process, from its first call to its end: the table of calls in `folder`, and the facts."""

    def __init__(self, hosted: HostedTarget, folder: Path, worker: int, request_event: Any) -> None:
        """Begin; time zero is now. Raises `HarnessError` if the disk is full. `worker` is the number of this process."""
        self._hosted = hosted
        self._request_event = request_event
        # Calls in flight when time zero moved, by row: they are stamped from the time zero of before.
        self._crossing: dict[int, int] = {}
        self._think_ns = round(hosted.called.think_time_s * NS_PER_S)
        self._resources = contextlib.ExitStack()
        try:
            self._begin(folder, worker)
        except BaseException:
            self._resources.close()
            raise

    def _begin(self, folder: Path, worker: int) -> None:
        hosted, keep = self._hosted, self._resources
        self._measurement = keep.enter_context(Measurement(hosted.instrument, folder))
        self.recorder = self._measurement.recorder
        self._delay, self._split = self._measurement.delay, hosted.instrument.split
        rng = np.random.default_rng((hosted.called.seed, worker))
        drawn = choose(_SEQUENCE, hosted.mix, rng)
        self._take = itertools.cycle(zip(*(column.tolist() for column in drawn), strict=True)).__next__
        self._host = HostWatch(os.getpid(), math.inf)
        self._out = self._out_at_most = 0
        self._origin_ns = SystemClock.now_ns()
        self.facts = at_origin(hosted.overhead, self._origin_ns)
        calling = self._measurement.calling(hosted.work, self._origin_ns)
        self._make, self._append = make_caller(calling), self.recorder.appender()
        keep.enter_context(self._measurement.watching(pauses=self._think_ns > 0))
        self._host.tick(0)
        self._measurement.begin()
        # Requests of other users in the same Locust; the split is of the target's calls alone.
        self._names = Names(hosted.mix)
        self._watching = Watching(self.recorder, self._origin_ns, self._names, None, self._request_event)
        self._watching.requests.is_own = _is_made
        keep.enter_context(self._watching.going_on())
        keep.enter_context(sampling(self._measurement.sampler, hosted.own))

    def measure_from_now(self) -> None:
        """Move time zero to now: all calls until now become the ramp-up."""
        now_ns = SystemClock.now_ns()
        offset_ns = self._origin_ns - now_ns
        self._crossing = {row: offset_ns for row in move_all(self.recorder, offset_ns) if self._is_ours(row)} | {
            row: before_ns + offset_ns for row, before_ns in self._crossing.items()
        }  # fmt: skip
        self._origin_ns = now_ns
        self.facts = at_origin(self.facts, now_ns)
        self._measurement.restart()
        self._make = make_caller(self._measurement.calling(self._hosted.work, now_ns))
        self._measurement.begin()
        self._watching.begin(now_ns)
        self._host = HostWatch(os.getpid(), math.inf)
        self._host.tick(0)

    def _is_ours(self, row: int) -> bool:
        (operation,) = _OPERATION(self.recorder.map, calls.HEADER_BYTES + row * calls.ROW_BYTES + 2)
        return bool(operation < len(self._hosted.mix))

    def refuse_by(self, refuse: Callable[[HarnessError], None]) -> None:
        """Call `refuse` if a request cannot be recorded."""
        self._watching.requests.refuse = refuse

    def stop(self) -> None:
        """Note that Locust ends the test."""
        self._watching.stop()

    @property
    def operations(self) -> dict[str, float]:
        """Return the operations so far, in the order of their numbers in the table; requests of other users come last."""
        return dict.fromkeys(self._names.names, 0.0) | self._hosted.mix

    @property
    def names(self) -> Names:
        """The names of the operations."""
        return self._names

    @property
    def elapsed_ns(self) -> int:
        """Return the time since time zero, in ns."""
        return SystemClock.now_ns() - self._origin_ns

    @property
    def held_by(self) -> bytes:
        """Return what blocked the event loop, in the format of the file; empty without a split."""
        return self._measurement.held_by

    @property
    def waits(self) -> bytes:
        """Return the stacks on which calls waited, in the format of the file; empty without a split."""
        return self._measurement.waits

    @property
    def samples(self) -> bytes:
        """Return the samples of this process that were not returned before, in the format of the file."""
        return self._measurement.sampler.unsent

    def call(self, before: Made | None) -> Made:
        """Make and record the next call of the user in the current greenlet; `before` is the user's previous call.

        Raises `HarnessError` if the disk or the table is full.
        """
        hosted, origin_ns = self._hosted, self._origin_ns
        me = gevent.getcurrent()
        hosted.own(me)
        now_ns = intended_ns = SystemClock.now_ns()
        held_ns = host_ns = 0
        if before:
            intended_ns = min(before.completed_ns + self._think_ns, now_ns)
            held_ns, host_ns = lag_owners(
                self._split, self._delay, intended_ns, now_ns, None if self._think_ns else before.target_ns
            )
        operation, payload = self._take()
        row = self._append(operation, payload, intended_ns - origin_ns, now_ns - origin_ns)
        self._out += 1
        self._out_at_most = max(self._out_at_most, self._out)
        try:
            completed_ns = self._make(me, row, operation, payload, held_ns, host_ns)
        finally:
            self._out -= 1
        if self._crossing and (offset_ns := self._crossing.pop(row, 0)):
            move_back(self.recorder, row, offset_ns)
        hosted.instrument.owners[me].holder = DRIVER
        self._delay.look(completed_ns)
        return self._made(row, operation, completed_ns)

    def _made(self, row: int, operation: int, completed_ns: int) -> Made:
        split = self._split
        (entered_ns,) = _ENTERED(self.recorder.map, FILL_BASE + row * calls.ROW_BYTES)
        return Made(
            operation=self._hosted.work.names[operation],
            outcome=Outcome(self.recorder.map[calls.HEADER_BYTES + row * calls.ROW_BYTES]),
            service_ns=completed_ns - self._origin_ns - entered_ns,
            completed_ns=completed_ns,
            target_ns=split.target_ns if split else 0,
        )

    def end(self, ended_ns: int, stopped: str | None) -> tuple[LoadFacts, HostFacts]:
        """Return the facts of the whole test after the last call; `ended_ns` is the end of its time."""
        self._host.tick(0)
        judge, requests = self._hosted.target.judge, self._watching.requests
        facts = self._measurement.end(
            self.facts,
            ended_ns=ended_ns,
            in_flight_peak=self._out_at_most + requests.peak,
            stopped=stopped or (judge.fault if judge else None) or None,
        )
        others = requests.failures.found(self._names.names)
        self.facts = msgspec.structs.replace(
            facts, failures=merged([facts.failures, others]), client=self._watching.facts()
        )
        return self.facts, self._host.facts()

    def close(self) -> None:
        """Close everything; the table is then ready for `harness.table.calls.seal`."""
        self._resources.close()


def _check_engine(text: str, target: LoadedTarget) -> None:
    if target.engine is not Engine.GEVENT:
        needs = "has an async call" if target.is_async else f"asks for engine={target.engine}"
        raise RefusedError(
            f"Target '{text}' {needs}, and the users of plain Locust are greenlets, which cannot run it",
            remedy=_DRIVEN,
        )
    if target.journey.has_users:
        raise RefusedError(
            f"The users of target '{text}' have state or a journey, and plain Locust makes calls of no user",
            remedy=_DRIVEN,
        )


def _is_made(response: Any) -> bool:
    return type(response) is Made


def _mix(called: Called, target: LoadedTarget) -> dict[str, float]:
    mix = dict(called.operations or target.operations)
    if missing := [name for name in mix if name not in target.operations]:
        raise UsageError(
            f"The scenario needs operation '{missing[0]}', which the target does not offer",
            remedy=f"It offers: {', '.join(target.operations)}",
        )
    return mix


def _greenlets() -> set[greenlet.greenlet]:
    return {one for one in gc.get_objects() if isinstance(one, greenlet.greenlet)}
