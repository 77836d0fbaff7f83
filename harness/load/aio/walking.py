"""Make the calls of users with state in tasks of an event loop."""

from collections.abc import Awaitable, Callable

from harness.load.aio.back_to_back import Slice
from harness.load.aio.calling import Make
from harness.load.aio.lease import CALL
from harness.load.calling import Calling
from harness.load.lateness import lag_owners
from harness.load.owner import Owner
from harness.load.run_delay import RunDelay
from harness.load.walkers import Walkers
from harness.target.journeys import Walks


class Walking(Walkers):
    """Users with state, each known by the owner of its task. `sleep` waits until a moment of the clock."""

    def __init__(
        self,
        calling: Calling,
        walks: Walks,
        delay: RunDelay,
        make: Make,
        sleep: Callable[[int], Awaitable[None]],
    ) -> None:
        super().__init__(calling, walks)
        self._delay = delay
        self._make = make
        self._sleep = sleep

    def slice_of(self, make_calls: Slice) -> Slice:
        """Return `make_calls` for users whose calls are drawn by weight: each task of the closed model is one user."""

        async def make_for_user(owner: Owner, *times_ns: int) -> int:
            self.enter(owner)
            return await make_calls(owner, *times_ns)

        return make_for_user

    async def make_step(
        self, owner: Owner, intended_ns: int, now_ns: int, lag_target_ns: int, lag_host_ns: int, _end_ns: int
    ) -> int:
        """Make one call of a user: a `Slice` of the closed model. After the last step comes a new user."""
        self.enter(owner)
        row, operation, payload = self.claim(owner, intended_ns, now_ns)
        completed_ns = await self._make(owner, row, operation, payload, lag_target_ns, lag_host_ns)
        if self.went(owner, row):
            return completed_ns
        CALL.set([owner])
        self.renew(owner)
        return self._calling.work.now_ns()

    async def make_journey(
        self, owner: Owner, row: int, operation: int, payload: int, lag_target_ns: int, lag_host_ns: int
    ) -> int:
        """Make the planned call of an arriving user, and then the rest of the journey: a `Make` of the open model."""
        calling = self._calling
        now = calling.work.now_ns
        self.arrive(owner)
        completed_ns = await self._make(owner, row, operation, payload, lag_target_ns, lag_host_ns)
        while self.went(owner, row):
            CALL.set([owner])
            self._delay.look(completed_ns)
            if (due_ns := self.due_ns(owner, completed_ns)) is None:
                break
            await self._sleep(due_ns)
            now_ns = now()
            if not self.goes_on(due_ns):
                break
            lags_ns = lag_owners(calling.split, self._delay, min(due_ns, now_ns), now_ns, None)
            row, operation, payload = self.claim(owner, min(due_ns, now_ns), now_ns, is_planned=False)
            completed_ns = await self._make(owner, row, operation, payload, *lags_ns)
        self.leave(owner)
        return completed_ns
