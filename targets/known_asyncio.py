"""The targets of known truth as coroutines: `known:NAME?engine=asyncio` is the target here instead of the one in `known`.

They take the same parameters and keep the same journal. Where a target of `known` sleeps, the one here awaits; where it
holds its thread, the one here holds the event loop.
"""

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Any

from targets import known
from targets.known import NS_PER_MS, KnownTarget, number, spin_ns


class AsyncKnownTarget(KnownTarget):
    """Do the work of each call, which may return something to await, and keep a journal on request."""

    async def _call(self, _event: Any) -> None:  # type: ignore[override]
        await self._worked(next(self._count))

    async def _call_with_journal(self, _event: Any) -> None:  # type: ignore[override]
        start_ns = time.perf_counter_ns()
        call = next(self._count)
        failed = 1
        try:
            await self._worked(call)
            failed = 0
        finally:
            self._journal.add(call, start_ns, failed)  # type: ignore[union-attr]

    async def _worked(self, call: int) -> None:
        waiting: Any = self.work(call)
        if waiting is not None:
            await waiting


class AsyncNoopTarget:
    """Do nothing, in one coroutine."""

    async def call(self, _event: Any) -> None:
        """Return at once."""


def _holding(factory: Callable[..., KnownTarget]) -> Callable[..., AsyncKnownTarget]:
    """Return the factory of a target that never gives the event loop away."""

    @functools.wraps(factory)
    def make(*args: Any, **parameters: Any) -> AsyncKnownTarget:
        journal = parameters.pop("journal", "")
        return AsyncKnownTarget(factory(*args, **parameters).work, journal)

    return make


def noop(journal: str = "") -> AsyncKnownTarget | AsyncNoopTarget:
    """Return at once: without a journal, the smallest measurable call."""
    return AsyncKnownTarget(lambda _call: None, journal) if journal else AsyncNoopTarget()


def constant(service_ms: str = "1", journal: str = "") -> AsyncKnownTarget:
    """Yield for `service_ms` on every call: other tasks may use the event loop meanwhile."""
    seconds = number("service_ms", service_ms) / 1000
    return AsyncKnownTarget(lambda _call: asyncio.sleep(seconds), journal)  # type: ignore[arg-type]


def stall(
    at_call: str = "500", stall_ms: str = "1000", service_ms: str = "1", journal: str = ""
) -> AsyncKnownTarget:
    """Yield for `service_ms`, but on call `at_call` block the event loop for `stall_ms`."""
    stalled_call = int(number("at_call", at_call, least=1))
    stall_ns = number("stall_ms", stall_ms) * NS_PER_MS
    seconds = number("service_ms", service_ms) / 1000

    def work(call: int) -> Any:
        return spin_ns(stall_ns) if call == stalled_call else asyncio.sleep(seconds)

    return AsyncKnownTarget(work, journal)


spin = _holding(known.spin)
bimodal = _holding(known.bimodal)
lognormal = _holding(known.lognormal)
failing = _holding(known.failing)
leaking = _holding(known.leaking)
