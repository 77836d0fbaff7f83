"""Measure the adapters' own cost for one request: an application that does nothing, with the adapter and without."""

import random
import statistics
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from harness.target.loading import LoadedTarget, make
from harness.units import format_ns
from targets import two_bytes

_CALLS = 20_000
_ROUNDS = 7


def adapter_rows() -> tuple[tuple[str, str, str], ...]:
    """Return the lines on the cost of each adapter beyond the application's own."""
    return (_row("wsgi", _bare_wsgi, 15_000), _row("asgi", _bare_asgi, 25_000))


def _row(kind: str, bare: Callable[[Any], float], most_ns: int) -> tuple[str, str, str]:
    target = make(f"{kind}:targets.two_bytes:{kind}", {})
    event = target.make_event("GET /", random.Random(1))
    floors, costs = [], []
    for _ in range(_ROUNDS):
        # Side by side in one round: both meet the same machine.
        floors.append(bare(event))
        costs.append(_adapted(target, event) - floors[-1])
    target.close()
    return (
        f"{kind}: adapter, a request beyond the application's own",
        format_ns(statistics.median(costs)),
        f"floor {format_ns(statistics.median(floors))}: an application that answers two bytes (at most {format_ns(most_ns)})",
    )


def _adapted(target: LoadedTarget, event: Any) -> float:
    call = target.call
    if target.is_async:
        return float(target.loop.run(_timed(lambda: call(event))))
    began_ns = time.perf_counter_ns()
    for _ in range(_CALLS):
        call(event)
    return (time.perf_counter_ns() - began_ns) / _CALLS


def _bare_wsgi(event: Any) -> float:
    environ, application = event[0](), two_bytes.wsgi

    def start_response(_status: str, _headers: Any) -> None:
        pass

    began_ns = time.perf_counter_ns()
    for _ in range(_CALLS):
        application(environ, start_response)
    return (time.perf_counter_ns() - began_ns) / _CALLS


def _bare_asgi(event: Any) -> float:
    import asyncio

    scope = event[0]()

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: MutableMapping[str, Any]) -> None:
        pass

    return asyncio.run(_timed(lambda: two_bytes.asgi(scope, receive, send)))


async def _timed(call: Callable[[], Awaitable[Any]]) -> float:
    began_ns = time.perf_counter_ns()
    for _ in range(_CALLS):
        await call()
    return (time.perf_counter_ns() - began_ns) / _CALLS
