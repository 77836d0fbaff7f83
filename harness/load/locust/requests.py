"""Record the requests of a locustfile: one row for each request of Locust's clients, and for each event that a script fires.

A row begins when a client's `request` is entered, so a request that is killed or lost stays `unfinished`. Its `request`
event ends it, with the outcome and the name that the script gave it. Its service time is the event's, unrounded.
"""

import locust  # noqa: F401  # isort: skip
import struct
from collections import Counter
from typing import TYPE_CHECKING, Any

import gevent
from gevent import getcurrent
from locust.contrib.fasthttp import LocustBadStatusCode
from locust.exception import CatchResponseError, StopUser
from requests.exceptions import Timeout

from harness.clock import SystemClock
from harness.errors import HarnessError
from harness.load.lateness import lag_owners
from harness.load.locust.names import Names
from harness.load.locust.users import Users, UserState
from harness.load.owner import Owner
from harness.load.run_delay import RunDelay
from harness.load.split import Split
from harness.model import Outcome
from harness.table.aside import NO_TIME, Aside
from harness.table.calls import HEADER_BYTES, INTENDED_FROM, ROW_BYTES
from harness.table.heldby import DRIVER
from harness.table.recorder import FILL, FILL_BASE, Recorder
from harness.target.failures import Failures

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "_harness_sent"
"""Attribute of a response whose event comes later, because the script catches it."""
TIMEOUTS = (TimeoutError, Timeout, gevent.Timeout)
_COMPLETED, _FAILED, _TIMED_OUT = int(Outcome.COMPLETED), int(Outcome.FAILED), int(Outcome.TIMED_OUT)
_ASIDE_FROM, _OPERATION_FROM = 1, 2
_OPERATION, _INTENDED = struct.Struct("<H"), struct.Struct("<q")


class Sent:
    """A request that a client has begun. Times are clock readings."""

    __slots__ = (
        "aside", "before_ns", "busy_ns", "entered_ns", "is_path", "is_told", "lag_host_ns", "lag_target_ns", "number", "owner", "row", "run_ns",
    )  # fmt: skip

    def __init__(self, row: int, number: int, entered_ns: int) -> None:
        self.row, self.number, self.entered_ns = row, number, entered_ns
        self.is_path = self.is_told = False
        self.aside = self.lag_target_ns = self.lag_host_ns = 0
        self.owner: Owner | None = None
        self.before_ns = 0
        self.run_ns = self.busy_ns = -1


class Requests:
    """The requests of one process in one test. `origin_ns` is the clock at time zero of the table."""

    def __init__(
        self, recorder: Recorder, origin_ns: int, names: Names, users: Users, split: Split | None
    ) -> None:
        self.names, self.users = names, users
        self.origin_ns = origin_ns
        self.failures = Failures()
        self.active: dict[object, Sent] = {}
        """The request that each greenlet is making."""
        self.told: Counter[int] = Counter()
        self.untimed: Counter[int] = Counter()
        self.refused: Counter[str] = Counter()
        self.begun = self.ended = self.killed = self.peak = 0
        self.is_own: Callable[[Any], bool] = _never
        """Function that tells whether the `response` of an event is one of the harness's own user, recorded already."""
        self.refuse: Callable[[HarnessError], None] = _ignore
        """Function that ends the test, because the disk or the table is full."""
        self._split, self._delay = split, RunDelay()
        users.causes = lambda from_ns, to_ns: lag_owners(split, self._delay, from_ns, to_ns, None)
        self._append, self._table = recorder.appender(), recorder.map

    def begin(self, me: object, request_type: object, name: object, is_path: bool) -> Sent:  # noqa: FBT001 - the hot path
        """Begin the row of a request; `is_path` is True if `name` is its address."""
        number = self.names.numbers.get((request_type, name, is_path))
        if number is None:
            number = self.names.number(request_type, name, is_path)
        state = self.users.states.get(me)
        sent = self._begun(state, number, SystemClock.now_ns())
        sent.is_path = is_path
        if sent.aside:
            self._table[HEADER_BYTES + sent.row * ROW_BYTES + _ASIDE_FROM] = sent.aside
        if self._split is not None and me not in self.active:
            self._own(me, sent, self._split)
        return sent

    def _begun(self, state: UserState | None, number: int, entered_ns: int) -> Sent:
        """Claim the next row for a request of a user that was entered then."""
        aside = lag_ns = lag_target_ns = lag_host_ns = 0
        if state is not None:
            aside, lag_ns = state.aside, state.lag_ns
            if lag_ns:
                lag_target_ns, lag_host_ns = state.lag_target_ns, state.lag_host_ns
                state.lag_ns = 0
        if not aside and self.users.has_ended:
            aside = _AFTER_END
        dispatched_ns = entered_ns - self.origin_ns
        try:
            row = self._append(number, 0, dispatched_ns - lag_ns, dispatched_ns)
        except HarnessError as error:
            self.refuse(error)
            raise StopUser from error
        sent = Sent(row, number, entered_ns)
        sent.aside, sent.lag_target_ns, sent.lag_host_ns = aside, lag_target_ns, lag_host_ns
        self.begun += 1
        return sent

    def _own(self, me: object, sent: Sent, split: Split) -> None:
        """Count the work of the greenlet as that of the request from now on."""
        owner = split.owners.get(me)
        if owner is None:
            owner = split.owners[me] = Owner(root=me)
            if isinstance(me, gevent.Greenlet):
                me.rawlink(lambda ended: split.owners.pop(ended, None))
        owner.holder, owner.seen = 0, None
        sent.owner, sent.before_ns = owner, owner.run_ns
        split.mark_ns = sent.entered_ns

    def returned(self, sent: Sent, now_ns: int) -> None:
        """Note that a request has returned: from now on its greenlet works for itself."""
        owner, split = sent.owner, self._split
        if owner is None or split is None:
            return
        sent.owner = None
        if owner.seen is None:
            sent.run_ns, sent.busy_ns = now_ns - sent.entered_ns, 0
            split.held[owner.holder] += sent.run_ns
            split.mark_ns = now_ns
            if now_ns > split.due_ns:
                split.holds.remember(sent.entered_ns, now_ns)
        else:
            sent.run_ns, sent.busy_ns, _ = split.end_call(
                owner, now_ns - sent.entered_ns, sent.before_ns, now_ns
            )
        owner.holder = DRIVER

    def on_request(
        self, request_type: Any = None, name: Any = None, response_time: Any = None, response: Any = None,
        exception: Any = None, **_: Any,
    ) -> None:  # fmt: skip
        """Listen to Locust's `request` event: end the row of its request, or add one for an event of the script's own."""
        now_ns = SystemClock.now_ns()
        me = getcurrent()
        sent = self.active.get(me)
        if sent is None or sent.is_told:
            sent = getattr(response, MARK, None)
            if type(sent) is not Sent or sent.is_told:
                sent = None
                if self.is_own(response):
                    return
        try:
            service_ns = round(response_time * 1e6) if response_time else 0
            if service_ns < 0:
                raise ValueError  # noqa: TRY301 - refused like any other impossible time
            is_path = sent is not None and sent.is_path
            number = self.names.numbers.get((request_type, name, is_path))
            if number is None:
                number = self.names.number(request_type, name, is_path)
        except (TypeError, ValueError, OverflowError):
            self.refused[_why(request_type, name, response_time)] += 1
            return
        if sent is None:
            sent = self._made_by_script(me, number, now_ns, service_ns)
        self._end(sent, number, now_ns, service_ns, exception)

    def _made_by_script(self, me: object, number: int, now_ns: int, service_ns: int) -> Sent:
        """Begin the row of an event that no client of Locust's fired: only the script knows its time."""
        sent = self._begun(self.users.states.get(me), number, now_ns - service_ns)
        if service_ns:
            self.told[number] += 1
        return sent

    def _end(self, sent: Sent, number: int, now_ns: int, service_ns: int, exception: Any) -> None:
        """Write the end of a row; a time of 0 or None is no time."""
        if sent.owner is not None:
            self.returned(sent, now_ns)
        table, place, origin_ns = self._table, HEADER_BYTES + sent.row * ROW_BYTES, self.origin_ns
        run_ns, busy_ns = sent.run_ns, sent.busy_ns
        if run_ns >= 0:
            # The split sees a little more than the client measures, and a script may tell any time.
            run_ns = min(run_ns, service_ns)
            busy_ns = min(busy_ns, service_ns - run_ns)
        entered_ns = sent.entered_ns - origin_ns
        FILL.pack_into(
            table, FILL_BASE + sent.row * ROW_BYTES, entered_ns, entered_ns + service_ns, run_ns, busy_ns,
            sent.lag_target_ns, sent.lag_host_ns,
        )  # fmt: skip
        if number != sent.number:
            _OPERATION.pack_into(table, place + _OPERATION_FROM, number)
        if not service_ns:
            self.untimed[number] += 1
        if aside := sent.aside | (0 if service_ns else NO_TIME):
            table[place + _ASIDE_FROM] = aside
        outcome = _COMPLETED
        if exception:
            outcome = _TIMED_OUT if isinstance(exception, TIMEOUTS) else _FAILED
            self._count_failure(sent, number, outcome, now_ns, exception)
        table[place] = outcome
        sent.is_told = True
        self.ended += 1
        self._delay.look(now_ns)

    def _count_failure(self, sent: Sent, number: int, outcome: int, now_ns: int, exception: Any) -> None:
        """Count a failure, if its call is in the results of the run."""
        place = HEADER_BYTES + sent.row * ROW_BYTES + INTENDED_FROM
        if _INTENDED.unpack_from(self._table, place)[0] >= 0 and not sent.aside:
            self.failures.answered(reason_of(exception))
            self.failures.count(number, outcome, now_ns - self.origin_ns)

    def close(self) -> None:
        """Close what the recording of requests has open."""
        self._delay.close()

    @property
    def silent(self) -> int:
        """Number of requests that ended without an event, and were not killed."""
        return self.begun - self.ended - self.killed - len(self.active)


_AFTER_END = int(Aside.AFTER_END)


def reason_of(exception: Any) -> str:
    """Return the text that all failures of one kind share. It never raises, whatever the exception does."""
    try:
        # FastHttpUser's text has the whole address, which would make each a kind of its own.
        text = repr(exception) if isinstance(exception, LocustBadStatusCode) else str(exception)
    except BaseException:  # noqa: BLE001 - it is the script's code
        text = ""
    kind = type(exception).__name__
    if not text:
        return kind
    is_all = isinstance(exception, (str, CatchResponseError, LocustBadStatusCode))
    return text if is_all else f"{kind}: {text}"


def _why(request_type: Any, name: Any, response_time: Any) -> str:
    """Return why an event cannot be recorded."""
    try:
        hash((request_type, name))
    except TypeError:
        return "its request_type or name is not a text"
    if isinstance(response_time, (int, float)):
        return "its response_time is negative or not a number"
    return f"its response_time is of type {type(response_time).__name__}"


def _ignore(_error: HarnessError) -> None:
    pass


def _never(_response: Any) -> bool:
    return False
