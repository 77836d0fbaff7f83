"""Make a plain Locust user whose calls are recorded, for Locust's own console, web UI, master and workers."""

import locust  # isort: skip
from collections.abc import Callable
from typing import Any

from locust.exception import StopUser

from harness.clock import NS_PER_S, wall_s
from harness.errors import HarnessError
from harness.load.locust.recording import Recording
from harness.model import Outcome

REQUEST_TYPE = "call"
"""Method name of each request in Locust's statistics."""


def make_user(
    recording: Callable[[], Recording],
    refuse: Callable[[HarnessError], None],
    think_time_s: float,
    ends: Callable[[Any], None],
) -> type[Any]:
    """Return a Locust `User` class that calls the target and fires Locust's `request` event for every call.

    `recording` returns the recording of the running test. An error of it or of a call goes to `refuse`, and the user ends.
    `ends` gets the greenlet of each user that Locust stops, before Locust may kill it.
    """

    def call(user: Any) -> None:
        try:
            user.made = made = recording().call(user.made)
        except HarnessError as error:
            refuse(error)
            raise StopUser from error
        user.environment.events.request.fire(
            request_type=REQUEST_TYPE,
            name=made.operation,
            response_time=made.service_ns / 1e6,
            response_length=0,
            exception=None if made.outcome == Outcome.COMPLETED else RuntimeError(made.outcome.label),
            context={},
            # Tells the recording of other requests that this call has its row.
            response=made,
            start_time=wall_s() - made.service_ns / NS_PER_S,
            url=None,
        )

    def stop(user: Any, force: bool = False) -> bool:  # noqa: FBT001, FBT002 - as Locust has it
        ends(user.greenlet)
        stopped: bool = locust.User.stop(user, force=force)
        return stopped

    members = {"tasks": [call], "wait_time": locust.constant(think_time_s), "made": None, "stop": stop}
    return type("TargetUser", (locust.User,), members)
