"""Drive the closed model: each user calls, waits for the answer, thinks, and calls again.

A call is intended when its user's think time ends. A user without think time yields after at most 1 ms of calls that do
not yield by themselves: a yield costs 2 to 3 us.
"""

from collections.abc import Callable

import gevent
from gevent.event import Event

from harness.clock import NS_PER_S, SystemClock
from harness.load.back_to_back import Slice
from harness.load.lateness import lag_owners
from harness.load.owner import Owner
from harness.load.run_delay import RunDelay
from harness.load.stretches import Stretches
from harness.load.trouble import as_trouble
from harness.load.vetting import Vetting
from harness.table.heldby import DRIVER

_SLICE_NS = 1_000_000


class ClosedModel:
    """Users driven until `end_ns` of the clock, one greenlet each; all share `make_calls`."""

    def __init__(  # noqa: PLR0913 - the objects that its users share
        self,
        make_calls: Slice,
        split: Stretches | None,
        owners: dict[object, Owner],
        *,
        end_ns: int,
        think_time_s: float,
        drain_s: float,
        delay: RunDelay,
        vetting: Vetting | None = None,
        pause_s: Callable[[object], float] | None = None,
    ) -> None:
        """`pause_s` returns the pause before the next call of the user in a greenlet; without it, all think for the same time."""
        self._make_calls = make_calls
        self._split = split
        self._owners = owners
        self._end_ns = end_ns
        self._think_time_s = think_time_s
        self._pause_s = pause_s or (lambda _me: think_time_s)
        self._drain_s = drain_s
        self._vetting = vetting or Vetting()
        self._now_ns = SystemClock.now_ns
        self._delay = delay
        self._users: set[gevent.Greenlet] = set()
        self._quiet = Event()
        self.in_flight_peak = 0
        self.stopping = Event()
        self.trouble: Exception | None = None
        """Error that ended the run early; None for a full run."""

    def drive_user(self) -> None:
        """Act as one user in the greenlet of the caller until the end."""
        me = gevent.getcurrent()
        self._users.add(me)
        self.in_flight_peak = max(self.in_flight_peak, len(self._users))
        self._owners[me] = Owner(root=me)
        try:
            self._call_again_and_again(me)
        except Exception as error:  # noqa: BLE001 - a user that died silently would reduce the load unnoticed
            # The table is full, or a result was refused: end normally and keep all measured calls.
            self.trouble = self.trouble or as_trouble(error)
            self.stopping.set()
        finally:
            self._users.discard(me)
            if not self._users:
                self._quiet.set()

    def _call_again_and_again(self, me: object) -> None:
        intended_ns = now_ns = self._now_ns()
        held_ns = host_ns = 0
        while now_ns < self._end_ns and not self.stopping.is_set():
            slice_end_ns = now_ns if self._think_time_s else min(now_ns + _SLICE_NS, self._end_ns)
            completed_ns = self._make_calls(me, intended_ns, now_ns, held_ns, host_ns, slice_end_ns)
            self._owners[me].holder = DRIVER
            intended_ns, now_ns, held_ns, host_ns = self._pause(completed_ns, self._pause_s(me))

    def _pause(self, completed_ns: int, pause_s: float) -> tuple[int, int, int, int]:
        """Think, or only yield, and return (intended, now, lag caused by the target, lag caused by the host) in ns."""
        split = self._split
        self._delay.look(completed_ns)
        target_ns = split.target_ns if split else 0
        intended_ns = completed_ns + round(pause_s * NS_PER_S)
        gevent.sleep(pause_s)
        now_ns = self._now_ns()
        intended_ns = min(intended_ns, now_ns)
        held_ns, host_ns = lag_owners(split, self._delay, intended_ns, now_ns, None if pause_s else target_ns)
        return intended_ns, now_ns, held_ns, host_ns

    def wait(self) -> None:
        """Return when every user has ended, or `drain_s` after the end; calls in flight then stay `unfinished`."""
        self.stopping.wait((self._end_ns - self._now_ns()) / NS_PER_S)
        deadline_ns = self._now_ns() + round(self._drain_s * NS_PER_S)
        while self._users and self._now_ns() < deadline_ns:
            self._quiet.clear()
            self._quiet.wait((deadline_ns - self._now_ns()) / NS_PER_S)
        # A call may refuse to end, or the machine may be slow: the run ends anyway.
        self._vetting.kill(list(self._users))
