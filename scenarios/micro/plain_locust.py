"""Measure Locust alone: one plain Locust user that fires a `request` event for a no-op, over and over.

Run as a script with the seconds to measure; prints nanoseconds per call, and those of them on the processor. With `recorded` as a second word the events are
recorded as those of a locustfile, and the cost of recording a request of Locust's own clients is printed too. Runs in a
separate process, because importing Locust monkey-patches it.
"""

import locust  # isort: skip
import contextlib
import logging
import sys
import time

import msgspec
from locust.env import Environment

from harness.load.locust.event_recording import EventRecording, own_cost
from harness.supervise import private_folder


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


def main(seconds: float, *, is_recorded: bool) -> None:
    """Warm up, measure, print."""
    logging.disable(logging.WARNING)
    environment = Environment(user_classes=[PlainUser])
    more: list[float] = []
    with contextlib.ExitStack() as kept:
        if is_recorded:
            cost = msgspec.structs.replace(own_cost(), split=False)
            more = [cost.recorder_ns_per_call]
            folder = kept.enter_context(private_folder())
            recording = EventRecording(cost, folder, environment.events.request)
            kept.callback(recording.close)
        print(*_ns_per_call(environment, seconds), *more)  # noqa: T201 - this is its answer


def _ns_per_call(environment: Environment, seconds: float) -> list[float]:
    import gevent

    runner = environment.create_local_runner()
    runner.start(1, spawn_rate=1)
    gevent.sleep(1.0)
    calls, start_s, start_cpu_s = PlainUser.calls, time.perf_counter(), time.process_time()
    gevent.sleep(seconds)
    elapsed_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    runner.quit()
    return [length_s * 1e9 / (PlainUser.calls - calls) for length_s in (elapsed_s, cpu_s)]


if __name__ == "__main__":
    main(float(sys.argv[1]), is_recorded="recorded" in sys.argv)
