"""Count a target's own counters over a fixed list of requests by one user: the driver of exact counting.

The first half of the list warms up, the second is counted, with call sites where the target can record them. A target
without counters is not called.
"""

import time
from collections.abc import Callable, Mapping

import msgspec

from harness.clock import NS_PER_S, SystemClock
from harness.processes.job import Message
from harness.processes.journey_lists import called, exact_lists
from harness.processes.one_user import OneUserDriver
from harness.target.counters import Counters
from harness.target.failures import Failure

_STANDSTILL_S = 0.05
_LONGEST_SETTLING_S = 5.0


class CountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of `requests` calls of each of `operations`; `sites` are `{operation: {counter: {function: total}}}`."""

    operations: list[str]
    requests: int
    failures: list[Failure]
    counters: dict[str, dict[str, int]]
    sites: dict[str, dict[str, dict[str, int]]] = {}
    trouble: str | None = None


class Driver(OneUserDriver):
    """One counting: `open` the target, then `drive` the list."""

    def drive(self, mix: Mapping[str, float], _send: Callable[[Message], None]) -> None:
        """Make the calls and write `facts.json` into the job's folder."""
        if not self._target.has_counters:
            # The trace of its allocations finds its failures too.
            self._write(CountFacts(operations=[], requests=self._job.requests, failures=[], counters={}))
            return
        mix = called(self._target, mix)
        warm_up, counted = exact_lists(self._user, self._target, mix, self._job.seed, self._job.requests)
        counters = Counters(self._target)
        pause = self._loop.run_for if self._loop else time.sleep
        self._user.warm_up(warm_up)
        settled(counters, pause)
        self._target.record_sites(on=True)
        counters.read()
        failures = self._user.make_all(counted)
        grown = settled(counters, pause)
        facts = CountFacts(
            operations=list(mix),
            requests=self._job.requests,
            failures=failures,
            counters=grown,
            sites={
                operation: {counter: dict(functions) for counter, functions in found.items()}
                for operation, found in self._target.sites().items()
            },
            trouble=counters.trouble,
        )
        self._write(facts)


def settled(counters: Counters, pause: Callable[[float], None]) -> dict[str, dict[str, int]]:
    """Return the growth once the counters have stopped for a moment: work that requests left to threads and tasks is theirs as well.

    `pause` lets some seconds pass in which that work goes on. For a target that never stops counting, the wait ends after a few seconds.
    """
    give_up_ns = SystemClock.now_ns() + round(_LONGEST_SETTLING_S * NS_PER_S)
    grown = counters.growth()
    while SystemClock.now_ns() < give_up_ns:
        pause(_STANDSTILL_S)
        before, grown = grown, counters.growth()
        if grown == before:
            break
    return grown
