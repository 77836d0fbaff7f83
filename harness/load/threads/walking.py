"""Make the calls of users with state in threads."""

import threading

from harness.clock import NS_PER_S
from harness.load.calling import Calling
from harness.load.threads.caller import Caller, MakeCall
from harness.load.threads.lateness import Lateness
from harness.load.walkers import Walkers
from harness.target.journeys import Walks


class Walking(Walkers):
    """Users with state, each known by the caller of its thread."""

    def __init__(
        self, calling: Calling, walks: Walks, lock: threading.Lock, stopping: threading.Event
    ) -> None:
        super().__init__(calling, walks)
        self._lock = lock
        self._stopping = stopping

    def walk(self, caller: Caller, make: MakeCall, lateness: Lateness) -> None:
        """Go on journeys, one after the other, until the run ends: a user of the closed model."""
        self.enter(caller)
        intended_ns, causes = self._calling.work.now_ns(), (0, 0)
        while self.goes_on(intended_ns):
            row, ended_ns = self._call(caller, make, intended_ns, causes, is_planned=True)
            if ended_ns is None:
                return
            if not self.went(caller, row):
                self.renew(caller)
                ended_ns = self._calling.work.now_ns()
            intended_ns = ended_ns + round(self.pause_s(caller) * NS_PER_S)
            causes = self._wait(intended_ns, ended_ns, lateness)

    def walk_on(self, caller: Caller, make: MakeCall, row: int, ended_ns: int, lateness: Lateness) -> bool:
        """Make the rest of the journey of a user whose first call is in `row`; return False if the run has ended meanwhile."""
        while self.went(caller, row):
            if (due_ns := self.due_ns(caller, ended_ns)) is None:
                break
            causes = self._wait(due_ns, ended_ns, lateness)
            if not self.goes_on(due_ns):
                break
            row, ended = self._call(caller, make, due_ns, causes, is_planned=False)
            if ended is None:
                return False
            ended_ns = ended
        self.renew(caller)
        return True

    def _wait(self, due_ns: int, ended_ns: int, lateness: Lateness) -> tuple[int, int]:
        lateness.look(ended_ns)
        self._stopping.wait(max(due_ns - self._calling.work.now_ns(), 0) / NS_PER_S)
        return lateness.causes(due_ns, self._calling.work.now_ns())

    def _call(
        self, caller: Caller, make: MakeCall, due_ns: int, causes: tuple[int, int], *, is_planned: bool
    ) -> tuple[int, int | None]:
        with self._lock:
            now_ns = self._calling.work.now_ns()
            intended_ns = min(due_ns, now_ns)
            row, operation, payload = self.claim(caller, intended_ns, now_ns, is_planned=is_planned)
        return row, make(row, operation, payload, intended_ns - self._calling.origin_ns, *causes)
