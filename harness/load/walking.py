"""Make the calls of users with state in greenlets."""

import gevent

from harness.clock import NS_PER_S
from harness.load.back_to_back import Slice
from harness.load.calling import Calling, make_caller
from harness.load.lateness import lag_owners
from harness.load.run_delay import RunDelay
from harness.load.walkers import Walkers
from harness.table.heldby import DRIVER
from harness.target.journeys import Walks


class Walking(Walkers):
    """Users with state, each in a greenlet."""

    def __init__(self, calling: Calling, walks: Walks, delay: RunDelay) -> None:
        super().__init__(calling, walks)
        self._delay = delay
        self._make = make_caller(calling)

    def slice_of(self, make_calls: Slice) -> Slice:
        """Return `make_calls` for users whose calls are drawn by weight: each greenlet of the closed model is one user."""

        def make_for_user(me: object, *times_ns: int) -> int:
            self.enter(me)
            return make_calls(me, *times_ns)

        return make_for_user

    def make_step(
        self, me: object, intended_ns: int, now_ns: int, lag_target_ns: int, lag_host_ns: int, _end_ns: int
    ) -> int:
        """Make one call of the user in greenlet `me`: a `Slice` of the closed model. After the last step comes a new user."""
        self.enter(me)
        row, operation, payload = self.claim(me, intended_ns, now_ns)
        completed_ns = self._make(me, row, operation, payload, lag_target_ns, lag_host_ns)
        if self.went(me, row):
            return completed_ns
        self._calling.owners[me].holder = DRIVER
        self.renew(me)
        return self._calling.work.now_ns()

    def make_journey(
        self, me: object, row: int, operation: int, payload: int, lag_target_ns: int, lag_host_ns: int
    ) -> int:
        """Make the planned call of an arriving user, and then the rest of the journey: a `Make` of the open model."""
        calling = self._calling
        now = calling.work.now_ns
        self.arrive(me)
        completed_ns = self._make(me, row, operation, payload, lag_target_ns, lag_host_ns)
        while self.went(me, row):
            calling.owners[me].holder = DRIVER
            self._delay.look(completed_ns)
            if (due_ns := self.due_ns(me, completed_ns)) is None:
                break
            gevent.sleep(max(due_ns - now(), 0) / NS_PER_S)
            now_ns = now()
            if not self.goes_on(due_ns):
                break
            lags_ns = lag_owners(calling.split, self._delay, min(due_ns, now_ns), now_ns, None)
            row, operation, payload = self.claim(me, min(due_ns, now_ns), now_ns, is_planned=False)
            completed_ns = self._make(me, row, operation, payload, *lags_ns)
        calling.owners[me].holder = DRIVER
        self.renew(me)
        return completed_ns
