"""Watch the users of a locustfile in one process during one test: their requests, their lives, and the loop they share."""

# Locust monkey-patches on import.
from harness.load.locust.patches import NOW, install  # isort: skip
import contextlib
from collections.abc import Iterator
from typing import Any

from harness.clock import SystemClock
from harness.load.locust.heartbeat import Heartbeat
from harness.load.locust.names import OTHERS, Names
from harness.load.locust.requests import Requests
from harness.load.locust.users import Users
from harness.load.split import Split
from harness.run.client_facts import ClientFacts, LoopLag, Paced
from harness.table.recorder import Recorder


class Watching:
    """The users and requests of a running test. `split` divides the times of requests; None if it is another's."""

    def __init__(
        self, recorder: Recorder, origin_ns: int, names: Names, split: Split | None, request_event: Any
    ) -> None:
        self.requests = Requests(recorder, origin_ns, names, Users(SystemClock.now_ns), split)
        self._request_event = request_event
        self._beat: Heartbeat | None = None
        self._paced: Paced | None = None

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """Listen during the block."""
        install()
        # Before all other listeners: they may end the task, and take their time.
        self._request_event._handlers.insert(0, self.requests.on_request)  # noqa: SLF001 - no other way to be first
        NOW[0], self._beat = self, Heartbeat()
        try:
            yield
        finally:
            NOW[0] = None
            self.requests.close()
            self._beat.greenlet.kill(block=False)
            with contextlib.suppress(ValueError):
                self._request_event.remove_listener(self.requests.on_request)

    def begin(self, origin_ns: int) -> None:
        """Begin the measured time: from now on, times count from `origin_ns`, and failures are those of later calls."""
        self.requests.origin_ns = origin_ns
        self.requests.failures = type(self.requests.failures)()
        if self._beat:
            self._beat.begin()

    def stop(self) -> None:
        """Note that Locust ends the test: requests from now on are beside the measured time."""
        users = self.requests.users
        # Before Locust ends the users: a task that still runs has delayed others.
        self._paced = users.paced(self.requests.origin_ns, SystemClock.now_ns())
        users.has_ended = True

    def facts(self) -> ClientFacts:
        """Return the facts after the last request."""
        requests, users, names = self.requests, self.requests.users, self.requests.names
        return ClientFacts(
            loop_lag=self._beat.end() if self._beat else LoopLag(),
            started=users.started,
            lost=dict(users.lost),
            paced=self._paced,
            told={names.names[number]: count for number, count in requests.told.items()},
            untimed={names.names[number]: count for number, count in requests.untimed.items()},
            refused=dict(requests.refused),
            silent=requests.silent,
            folded={name: count for name, count in names.folded.items() if name != OTHERS},
            names_left=names.left,
        )
