"""Make a fixed list of requests by one user under memray: the driver of the memory run, without Locust or gevent.

The list is drawn as the plan is, so that the same seed makes the same requests. The first half warms up, and
the second half is traced: repeating the first would find every cache full, which no user does.
"""

import gc
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from harness.clock import SystemClock
from harness.plans.plan import choose
from harness.processes.job import Message
from harness.processes.journey_lists import Rounds
from harness.processes.one_user import OneUserDriver, Request, one_for_all
from harness.processes.settling import settle
from harness.profiles.capture.memory import MemoryProfiler
from harness.profiles.capture.memory_children import cannot_follow
from harness.target.events import needed_payloads, prepare_events


class FixedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of the memory run: calls by operation, and the number of failed ones."""

    requests: dict[str, int]
    failed: int
    traced_ns: int
    not_followed: str = ""
    """Reason why forks were not traced although that was requested; empty where they were."""


class Driver(OneUserDriver):
    """One memory run: `open` the target, then `drive` the list."""

    RECORD = "memory.bin"

    def drive(self, mix: Mapping[str, float], _send: Callable[[Message], None]) -> None:
        """Make the calls; write memray's record and `facts.json` into the job's folder."""
        traced = self._job.requests
        requests: Rounds | list[Request]
        if self._target.journey.steps:
            self._user.warm_up(Rounds(self._user, self._target, self._job.seed, traced))
            requests = Rounds(self._user, self._target, self._job.seed + 1, traced)
        else:
            warm_up, requests = self._drawn(mix, traced)
            self._user.warm_up(warm_up)
        if self._loop:
            # As in `harness.processes.traced`.
            settle(self._loop)
        gc.collect()
        folder = Path(self._job.folder)
        why_not = cannot_follow() if self._job.follow_fork else ""
        with MemoryProfiler(folder / self.RECORD, follow_fork=self._job.follow_fork and not why_not):
            start_ns = SystemClock.now_ns()
            failures = self._user.make_all(requests)
            traced_ns = SystemClock.now_ns() - start_ns
            settle(self._loop)
        made = requests.made if isinstance(requests, Rounds) else Counter(one.operation for one in requests)
        facts = FixedFacts(
            requests={name: made[name] for name in mix},
            failed=sum(one.count for one in failures),
            traced_ns=traced_ns,
            # A traced call may have been the first to import a module that forbids following forks.
            not_followed=why_not or (cannot_follow() if self._job.follow_fork else ""),
        )
        self._write(facts)

    def _drawn(self, mix: Mapping[str, float], count: int) -> tuple[list[Request], list[Request]]:
        """Return `count` requests for warm-up and as many to trace, drawn as the plan is."""
        operation, payload = choose(2 * count, mix, np.random.default_rng(self._job.seed))
        needed = needed_payloads(mix, operation, payload)
        events = prepare_events(self._target, mix, self._job.seed, needed)
        names, user = list(mix), one_for_all(self._target, self._job.seed)
        requests = [
            Request(names[index], events[index][turn % len(events[index])], user)
            for index, turn in zip(operation.tolist(), payload.tolist(), strict=True)
        ]
        return requests[:count], requests[count:]
