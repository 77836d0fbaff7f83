"""Make the calls of users with state, under gevent: each has its own user object, and the steps of a journey in order."""

from typing import TYPE_CHECKING

import gevent

from harness.clock import NS_PER_S
from harness.load.back_to_back import Slice
from harness.load.calling import Calling, make_caller
from harness.load.lateness import lag_owners
from harness.load.run_delay import RunDelay
from harness.model import Outcome
from harness.table.calls import HEADER_BYTES, ROW_BYTES
from harness.table.heldby import DRIVER
from harness.target.journeys import Walks

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPLETED = int(Outcome.COMPLETED)


class Walking:
    """The users of one run. A greenlet makes the calls of one user after the other; each user is made before its first call."""

    def __init__(self, calling: Calling, walks: Walks, delay: RunDelay) -> None:
        self.walks = walks
        self.goes_on: Callable[[int], bool] = lambda _intended_ns: True
        """Function that tells if a call intended at a moment of the clock is still made; else the journey is cut."""
        self._calling = calling
        self._delay = delay
        self._make = make_caller(calling)
        self._append = calling.recorder.appender()
        self._step: dict[object, int] = {}
        """The next step of the user in each greenlet that has one."""

    def pause_s(self, me: object) -> float:
        """Return the pause before the next call of the user in greenlet `me`."""
        return self.walks.steps[self._step.get(me, 0)][1]

    def slice_of(self, make_calls: Slice) -> Slice:
        """Return `make_calls` for users of the closed model whose calls are drawn by weight: each greenlet is one user."""

        def make_for_user(me: object, *times_ns: int) -> int:
            if me not in self._step:
                self._new_user(me)
            return make_calls(me, *times_ns)

        return make_for_user

    def make_step(
        self, me: object, intended_ns: int, now_ns: int, lag_target_ns: int, lag_host_ns: int, _end_ns: int
    ) -> int:
        """Make one call of the user in greenlet `me`: a `Slice` of the closed model. After the last step comes a new user."""
        if me not in self._step:
            self._new_user(me)
        step = self._step[me]
        if not step:
            self.walks.start()
        row, completed_ns = self._call(me, step, intended_ns, now_ns, lag_target_ns, lag_host_ns)
        following = self.walks.went(step, completed=self._completed(row))
        if following is not None:
            self._step[me] = following
            return completed_ns
        self._new_user(me)
        return self._calling.work.now_ns()

    def make_journey(
        self, me: object, row: int, operation: int, payload: int, lag_target_ns: int, lag_host_ns: int
    ) -> int:
        """Make the planned call of an arriving user, and then the rest of the journey: a `Make` of the open model."""
        if me not in self._step:
            self._new_user(me)
        completed_ns = self._make(me, row, operation, payload, lag_target_ns, lag_host_ns)
        if self.walks.steps:
            self.walks.start()
            completed_ns = self._walk_on(me, row, completed_ns)
        self._new_user(me)
        return completed_ns

    def _walk_on(self, me: object, row: int, completed_ns: int) -> int:
        walks, calling = self.walks, self._calling
        now = calling.work.now_ns
        step = walks.went(0, completed=self._completed(row))
        while step is not None:
            intended_ns = completed_ns + round(walks.steps[step][1] * NS_PER_S)
            if not self.goes_on(intended_ns):
                break
            calling.owners[me].holder = DRIVER
            self._delay.look(completed_ns)
            gevent.sleep(max(intended_ns - now(), 0) / NS_PER_S)
            now_ns = now()
            if not self.goes_on(intended_ns):
                break
            intended_ns = min(intended_ns, now_ns)
            lags_ns = lag_owners(calling.split, self._delay, intended_ns, now_ns, None)
            if intended_ns >= calling.origin_ns:
                walks.count_later_call()
            row, completed_ns = self._call(me, step, intended_ns, now_ns, *lags_ns)
            step = walks.went(step, completed=self._completed(row))
        return completed_ns

    def _new_user(self, me: object) -> None:
        self._calling.owners[me].holder = DRIVER
        self._step[me] = 0
        self.walks.new_user()

    def _completed(self, row: int) -> bool:
        return self._calling.recorder.map[HEADER_BYTES + row * ROW_BYTES] == _COMPLETED

    def _call(
        self, me: object, step: int, intended_ns: int, now_ns: int, lag_target_ns: int, lag_host_ns: int
    ) -> tuple[int, int]:
        operation, _ = self.walks.steps[step]
        payload = self.walks.payload(operation, len(self._calling.work.events[operation]))
        origin_ns = self._calling.origin_ns
        row = self._append(operation, payload, intended_ns - origin_ns, now_ns - origin_ns)
        return row, self._make(me, row, operation, payload, lag_target_ns, lag_host_ns)
