"""A fixed list of requests by one user under memray: the driver of the memory run, without Locust or gevent.

The list is drawn as the plan is, so that the same seed makes the same requests. The first half warms everything up,
the second half is traced: repeating the first would find every cache full, as no user ever does.
"""

import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec
import numpy as np

from harness.clock import SystemClock
from harness.events import needed_payloads, prepare_events
from harness.job import Job, Message
from harness.marker import marked, marked_any
from harness.model import Wrap
from harness.plan import choose
from harness.profiles.memory import MemoryProfiler
from harness.run import write_atomically
from harness.target import LoadedTarget, open_target

P = ParamSpec("P")
R = TypeVar("R")


class FixedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the memory run did: calls by operation, and calls that raised."""

    requests: dict[str, int]
    failed: int
    traced_ns: int


class Driver:
    """One memory run: `open` the target, then `drive` the list."""

    RECORD = "memory.bin"
    FACTS = "facts.json"

    def __init__(self, job: Job, target: LoadedTarget) -> None:
        self._job = job
        self._target = target
        self._operation = ""

    def open(self) -> None:
        """Hook into the target's executors and open it."""
        self._target.instrument(self._make_wrap())
        open_target(self._target)

    def _make_wrap(self) -> Wrap:
        # One user: whatever is handed to another thread works for the operation that is running now.
        def wrap(function: Callable[P, R], /) -> Callable[P, R]:
            return marked_any(function, self._operation) if self._operation else function

        return wrap

    def drive(self, mix: Mapping[str, float], _send: Callable[[Message], None]) -> None:
        """Make the calls; leaves memray's record and `facts.json` in the job's folder."""
        traced = self._job.requests
        operation, payload = choose(2 * traced, mix, np.random.default_rng(self._job.seed))
        needed = needed_payloads(mix, operation, payload)
        events = prepare_events(self._target, mix, self._job.seed, needed)
        calls_by_operation = [marked(self._target.call, name) for name in mix]
        names = list(mix)
        requests = [
            (names[index], calls_by_operation[index], events[index][turn % len(events[index])])
            for index, turn in zip(operation.tolist(), payload.tolist(), strict=True)
        ]
        self._make_all(requests[:traced])
        gc.collect()
        folder = Path(self._job.folder)
        with MemoryProfiler(folder / self.RECORD):
            start_ns = SystemClock.now_ns()
            failed = self._make_all(requests[traced:])
            traced_ns = SystemClock.now_ns() - start_ns
        by_operation = {name: int((operation[traced:] == index).sum()) for index, name in enumerate(names)}
        facts = FixedFacts(requests=by_operation, failed=failed, traced_ns=traced_ns)
        write_atomically(folder / self.FACTS, msgspec.json.encode(facts))

    def _make_all(self, requests: list[tuple[str, Callable[[object], object], object]]) -> int:
        failed = 0
        for name, call, event in requests:
            self._operation = name
            try:
                call(event)
            except Exception:  # noqa: BLE001 - whatever the target raises is its outcome
                failed += 1
        self._operation = ""
        return failed
