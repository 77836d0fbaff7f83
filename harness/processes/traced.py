"""Trace the allocations of each operation over a fixed list of requests by one user: the driver of exact memory.

Each operation is traced by itself, so that its peak is its own. Garbage collection is off meanwhile: a collection in the
middle would come at another request in another process.
"""

import gc
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from harness.processes.children import unseen, usage
from harness.processes.job import Message
from harness.processes.journey_lists import called, exact_lists
from harness.processes.one_user import OneUserDriver, Request
from harness.processes.settling import settle
from harness.profiles.capture.memory import MemoryProfiler
from harness.target.failures import Failure


class TraceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`requests` calls of each operation were traced; `records` maps operations to files of the folder.

    `unseen` gives the reason why an operation's record is incomplete.
    """

    requests: int
    failures: list[Failure]
    records: dict[str, str]
    unseen: dict[str, str] = {}


class Driver(OneUserDriver):
    """One trace of each operation: `open` the target, then `drive` the list."""

    def drive(self, mix: Mapping[str, float], _send: Callable[[Message], None]) -> None:
        """Make the calls; write memray's records and `facts.json` into the job's folder."""
        mix = called(self._target, mix)
        warm_up, traced = exact_lists(self._user, self._target, mix, self._job.seed, self._job.requests)
        records = {name: f"memory-{number}.bin" for number, name in enumerate(mix)}
        self._user.warm_up(warm_up)
        if self._loop:
            # Tasks stand still while the loop does: those of the warm-up would go on in the traced part.
            settle(self._loop)
        failures: list[Failure] = []
        missing: dict[str, str] = {}
        for name, record in records.items():
            before = usage()
            failures += self._trace([request for request in traced if request.operation == name], record)
            missing[name] = unseen(before)
        facts = TraceFacts(requests=self._job.requests, failures=failures, records=records, unseen=missing)
        self._write(facts)

    def _trace(self, requests: list[Request], record: str) -> list[Failure]:
        gc.disable()
        try:
            with MemoryProfiler(Path(self._job.folder) / record):
                failures = self._user.make_all(requests)
                settle(self._loop)
            return failures
        finally:
            gc.enable()
