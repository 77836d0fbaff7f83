"""A plain Locust user of any target: for Locust's own console, web UI, master and workers."""

import locust  # isort: skip
import random
import time
from collections.abc import Mapping
from typing import Any

from harness.clock import SystemClock
from harness.errors import UsageError
from harness.events import prepare_events, stamped_calls
from harness.model import Outcome
from harness.target import make, open_target

_EVENTS = 256


def make_user(
    factory: str, parameters: Mapping[str, str], operations: Mapping[str, float], think_time_s: float
) -> Any:
    """Return a Locust `User` class that calls the target and fires Locust's `request` event for every call.

    The target is made and opened once for each Locust process, when the class is made.
    """
    target = make(factory, parameters)
    open_target(target)
    mix = dict(operations or target.operations)
    if missing := [name for name in mix if name not in target.operations]:
        raise UsageError(
            f"The scenario needs operation '{missing[0]}', which the target does not offer",
            remedy=f"It offers: {', '.join(target.operations)}",
        )
    names, weights = list(mix), list(mix.values())
    events = prepare_events(target, mix, 1, dict.fromkeys(mix, _EVENTS))
    invokes = stamped_calls(target, mix, SystemClock.now_ns)
    rng = random.Random(1)

    def call(user: Any) -> None:
        index = rng.choices(range(len(names)), weights)[0]
        start_s = time.time()
        outcome, entered_ns, completed_ns = invokes[index](rng.choice(events[index]))
        user.environment.events.request.fire(
            request_type="call",
            name=names[index],
            response_time=(completed_ns - entered_ns) / 1e6,
            response_length=0,
            exception=None if outcome == Outcome.COMPLETED else RuntimeError(Outcome(outcome).label),
            context={},
            start_time=start_s,
            url=None,
        )

    wait = locust.constant(think_time_s)
    return type("TargetUser", (locust.User,), {"tasks": [call], "wait_time": wait})
