"""Drive the closed model with one thread for each user: it calls, waits for the answer, thinks, and calls again."""

import itertools
import threading
from collections.abc import Sequence

from harness.clock import NS_PER_S, SystemClock
from harness.load.calling import Calling
from harness.load.threads.caller import Caller
from harness.load.threads.crew import Crew
from harness.load.threads.lateness import Lateness
from harness.load.threads.walking import Walking

Step = tuple[int, int]
"""An operation and a payload."""
Claimed = tuple[int, int, int, int]
"""A claimed row, its operation and payload, and its intended time in the table."""


class ClosedModel:
    """Users driven until `end_ns` of the clock; calls in flight then have `drain_s` to complete."""

    def __init__(  # noqa: PLR0913 - the objects that its users share
        self,
        calling: Calling,
        sequence: Sequence[Step],
        *,
        users: int,
        end_ns: int,
        think_time_s: float,
        drain_s: float,
        crew: Crew,
        walking: Walking | None = None,
    ) -> None:
        """With `walking`, the users have state."""
        self._calling = calling
        self._users = self._left = users
        self._end_ns = end_ns
        self._think_time_s = think_time_s
        self._drain_s = drain_s
        self._steps = itertools.cycle(sequence)
        self._append = calling.recorder.appender()
        self._now_ns = SystemClock.now_ns
        self._begin = threading.Event()
        self._quiet = threading.Event()
        self._walking = walking
        self.crew = crew
        self.in_flight_peak = users

    def run(self) -> None:
        """Return when every user has ended, or at the end of the drain; calls that still run stay `unfinished`."""
        crew = self.crew
        try:
            for _ in range(self._users):
                crew.start(self._use, Caller(self._calling, crew.gate))
        finally:
            self._begin.set()
        crew.wait(crew.stopping, self._end_ns)
        crew.stopping.set()
        crew.wait(self._quiet, self._now_ns() + round(self._drain_s * NS_PER_S))
        crew.gate.close()
        crew.running = self._calling.recorder.tail[0] - crew.gate.ended

    def _use(self, caller: Caller) -> None:
        # All begin at once: starting a thread beside busy ones takes milliseconds.
        self._begin.wait()
        try:
            if self._walking and not self._walking.walks:
                self._walking.enter(caller)
            if self._walking and self._walking.walks:
                self._walk(self._walking, caller)
            elif self._think_time_s:
                self._call_and_think(caller)
            else:
                self._call_again_and_again(caller)
        finally:
            with self.crew.gate.lock:
                self._left -= 1
            if not self._left:
                self._quiet.set()

    def _call_again_and_again(self, caller: Caller) -> None:
        """Call without a pause: one taking of the lock fills the row of a call and claims that of the next."""
        following: list[Claimed] = []

        def claim_next(at_ns: int) -> None:
            if at_ns < self._end_ns and not self.crew.stopping.is_set():
                following.append(self._claim(at_ns, at_ns))

        make = caller.make(claim_next)
        with self.crew.gate.lock:
            claim_next(self._now_ns())
        while following:
            make(*following.pop(), 0, 0)

    def _call_and_think(self, caller: Caller) -> None:
        crew, lateness, make = self.crew, Lateness(self.crew.harness_cpu_ns), caller.make()
        intended_ns, causes = self._now_ns(), (0, 0)
        while intended_ns < self._end_ns and not crew.stopping.is_set():
            with crew.gate.lock:
                claimed = self._claim(intended_ns, self._now_ns())
            ended_ns = make(*claimed, *causes)
            if ended_ns is None:
                return
            lateness.look(ended_ns)
            intended_ns = ended_ns + round(self._think_time_s * NS_PER_S)
            crew.stopping.wait((intended_ns - self._now_ns()) / NS_PER_S)
            causes = lateness.causes(intended_ns, self._now_ns())
        crew.halted(lateness)

    def _walk(self, walking: Walking, caller: Caller) -> None:
        lateness = Lateness(self.crew.harness_cpu_ns)
        walking.walk(caller, caller.make(), lateness)
        self.crew.halted(lateness)

    def _claim(self, intended_ns: int, dispatched_ns: int) -> Claimed:
        """Claim a row for the next call of whichever user; the caller holds the lock."""
        (operation, payload), origin_ns = next(self._steps), self._calling.origin_ns
        row = self._append(operation, payload, intended_ns - origin_ns, dispatched_ns - origin_ns)
        return row, operation, payload, intended_ns - origin_ns
