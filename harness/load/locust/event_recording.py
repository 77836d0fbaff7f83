"""Record a test of somebody's locustfile in this process: the calls are the requests of its own users and clients."""

# Locust monkey-patches on import.
import locust  # noqa: F401  # isort: skip
import contextlib
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import greenlet
import msgspec
from gevent.hub import get_hub
from locust.event import EventHook

from harness.clock import SystemClock
from harness.errors import HarnessError
from harness.load.facts import at_origin, of_process
from harness.load.garbage import GarbageWatch
from harness.load.greenlets import GreenletCount, sampling
from harness.load.locust.names import Names
from harness.load.locust.rebasing import move_all
from harness.load.locust.watching import Watching
from harness.load.overhead import split_ns_per_switch
from harness.load.owner import Owner
from harness.load.rounds import difference_ns
from harness.load.sampling import Sampler
from harness.load.split import Split
from harness.processes.host_watch import HostWatch
from harness.run.directory import RunDirectory
from harness.run.documents import HostFacts
from harness.run.facts import LoadFacts
from harness.supervise import private_folder
from harness.table.recorder import Recorder

_EVENTS = 500


def make_split() -> Split | None:
    """Return a hook that divides the times of requests; None if another tool of the process has the hook."""
    if greenlet.gettrace() is not None:
        return None
    split = Split(get_hub(), SystemClock.now_ns)
    split.expect(1)
    return split


def own_cost() -> LoadFacts:
    """Measure the cost of recording in this process: of an event, and of the hook at a switch."""
    split = make_split()
    return LoadFacts(
        origin_ns=0,
        origin_unix_s=0.0,
        split=split is not None,
        recorder_ns_per_call=recorder_ns_per_event(),
        split_ns_per_switch=split_ns_per_switch(split) if split else 0.0,
    )


def recorder_ns_per_event() -> float:
    """Return the cost of recording one request, in ns: begun and told, less the event that nobody records."""
    hook, quiet = EventHook(), EventHook()
    hook._handlers.append(quiet.fire)  # noqa: SLF001 - stands for the listeners of Locust
    me = greenlet.getcurrent()
    with private_folder() as folder, Recorder(folder / RunDirectory.CALLS, 0) as recorder:
        watching = Watching(recorder, 0, Names(), None, hook)
        requests = watching.requests
        told = {"request_type": "GET", "name": "/", "response_time": 1.0, "response_length": 0}

        # Of the processor, since the machine may be busy with others.
        def recorded() -> float:
            start_ns = time.thread_time_ns()
            for _ in range(_EVENTS):
                requests.active[me] = requests.begin(me, "GET", "/", True)
                requests.on_request(**told)
                requests.active.pop(me)
            return (time.thread_time_ns() - start_ns) / _EVENTS

        def bare() -> float:
            start_ns = time.thread_time_ns()
            for _ in range(_EVENTS):
                _nothing(**told)
            return (time.thread_time_ns() - start_ns) / _EVENTS

        try:
            return difference_ns(recorded, bare)
        finally:
            requests.close()


def _nothing(**_: Any) -> None:
    pass


class EventRecording:
    """One test in this process, from its start to its end: the table of calls in `folder`, and the facts."""

    def __init__(
        self, cost: LoadFacts, folder: Path, request_event: Any, *, is_in_process: bool = False
    ) -> None:
        """Begin; time zero is now. Raises `HarnessError` if the disk is full. `is_in_process` tells where the application is."""
        self._is_in_process = is_in_process
        self._resources = contextlib.ExitStack()
        try:
            self._begin(cost, folder, request_event)
        except BaseException:
            self._resources.close()
            raise

    def _begin(self, cost: LoadFacts, folder: Path, request_event: Any) -> None:
        keep = self._resources
        self.recorder = keep.enter_context(Recorder(folder / RunDirectory.CALLS, 0))
        self._split = make_split() if cost.split else None
        self._garbage = keep.enter_context(GarbageWatch())
        self._names = Names()
        self._host = HostWatch(os.getpid(), math.inf)
        self._host.tick(0)
        origin_ns = SystemClock.now_ns()
        self.facts = at_origin(cost, origin_ns)
        self._watching = Watching(self.recorder, origin_ns, self._names, self._split, request_event)
        if self._split:
            if self._is_in_process:
                # What its requests and its background work hold of the loop delays other users on its account.
                self._split.watch(0)
            self._split.start()
            keep.callback(self._split.stop)
        keep.enter_context(self._watching.going_on())
        self._sample(folder)

    def _sample(self, folder: Path) -> None:
        greenlets = GreenletCount()
        self._resources.callback(greenlets.close)
        self._sampler = self._resources.enter_context(Sampler(folder, {"greenlets": greenlets}))
        self._resources.enter_context(sampling(self._sampler, self._own))

    def _own(self, greenlet: greenlet.greenlet) -> None:
        """Count the work of a greenlet as the harness's."""
        if self._split:
            self._split.owners[greenlet] = Owner(root=greenlet)

    @property
    def operations(self) -> dict[str, float]:
        """Return the operations so far, in the order of their numbers in the table."""
        return dict.fromkeys(self._names.names, 1.0)

    @property
    def names(self) -> Names:
        """The names of the operations."""
        return self._names

    @property
    def elapsed_ns(self) -> int:
        """Return the time since time zero, in ns."""
        return SystemClock.now_ns() - self.facts.origin_ns

    @property
    def held_by(self) -> bytes:
        """Return nothing: what blocked the loop is not divided by operation."""
        return b""

    @property
    def waits(self) -> bytes:
        """Return nothing: the stacks on which requests wait are those of the client."""
        return b""

    @property
    def samples(self) -> bytes:
        """Return the samples of this process that were not returned before, in the format of the file."""
        return self._sampler.unsent

    def measure_from_now(self) -> None:
        """Move time zero to now: all calls until now become the ramp-up."""
        now_ns = SystemClock.now_ns()
        offset_ns = self.facts.origin_ns - now_ns
        # Requests in flight keep their stamps as readings of the clock.
        move_all(self.recorder, offset_ns)
        self.facts = at_origin(self.facts, now_ns)
        self._watching.begin(now_ns)
        self._garbage.collections = self._garbage.spent_ns = 0
        self._host = HostWatch(os.getpid(), math.inf)
        self._host.tick(0)

    def refuse_by(self, refuse: Callable[[HarnessError], None]) -> None:
        """Call `refuse` if a request cannot be recorded."""
        self._watching.requests.refuse = refuse

    def stop(self) -> None:
        """Note that Locust ends the test."""
        self._host.tick(0)
        self._watching.stop()

    def end(self, ended_ns: int, stopped: str | None) -> tuple[LoadFacts, HostFacts]:
        """Return the facts of the whole test after the last call; `ended_ns` is the end of its time."""
        requests = self._watching.requests
        facts = of_process(
            self.facts, self._split, self._garbage, ended_ns=ended_ns, in_flight_peak=requests.peak
        )
        self.facts = msgspec.structs.replace(
            facts,
            stopped=stopped,
            failures=requests.failures.found(self._names.names),
            client=self._watching.facts(),
        )
        return self.facts, self._host.facts()

    def close(self) -> None:
        """Close everything; the table is then ready for `harness.table.calls.seal`."""
        self._resources.close()
