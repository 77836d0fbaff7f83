"""Measure Locust alone: one plain Locust user that fires a `request` event for a no-op, over and over.

Run as a script with the seconds to measure; prints nanoseconds per call. Runs in a separate process, because importing
Locust monkey-patches it.
"""

import locust  # isort: skip
import logging
import sys
import time

from locust.env import Environment


class PlainUser(locust.User):  # type: ignore[misc]
    """Fire the same event as every Locust client for each request."""

    wait_time = locust.constant(0)
    calls = 0

    @locust.task  # type: ignore[untyped-decorator]
    def call(self) -> None:
        """Do nothing and report it."""
        start_s = time.perf_counter()
        self.environment.events.request.fire(
            request_type="call",
            name="call",
            response_time=(time.perf_counter() - start_s) * 1000,
            response_length=0,
            exception=None,
            context={},
        )
        PlainUser.calls += 1


def main(seconds: float) -> None:
    """Warm up, measure, print."""
    import gevent

    logging.disable(logging.WARNING)
    environment = Environment(user_classes=[PlainUser])
    runner = environment.create_local_runner()
    runner.start(1, spawn_rate=1)
    gevent.sleep(1.0)
    calls, start_s = PlainUser.calls, time.perf_counter()
    gevent.sleep(seconds)
    elapsed_s = time.perf_counter() - start_s
    print(elapsed_s * 1e9 / (PlainUser.calls - calls))  # noqa: T201 - this is its answer
    runner.quit()


if __name__ == "__main__":
    main(float(sys.argv[1]))
