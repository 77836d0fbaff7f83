"""Measure the cost of a step of a journey: a user who saves a token, and who sends it with a cookie, beside plain requests."""

import random
import statistics
import time
from pathlib import Path
from typing import Any

from harness.supervise import private_folder
from harness.target.journeys import USER
from harness.target.loading import LoadedTarget, make
from harness.units import format_ns

_USERS = 3_000
_ROUNDS = 7
_STEPS = """{"operation": "login", "method": "POST", "path": "/login", "json": {"name": "ada"}, "save": {"token": "$.token"}}
{"operation": "see", "path": "/basket", "headers": {"Authorization": "Bearer {token}"}}
"""
_PLAIN = """{"operation": "login", "method": "POST", "path": "/login", "json": {"name": "ada"}}
{"operation": "see", "path": "/basket", "headers": {"Authorization": "Bearer 0123456789abcdef"}}
"""
_PLACES = {"wsgi": "wsgi_login", "asgi": "asgi_login", "lambda": "login_handler"}
STEPS = ("login", "see")


def journey_rows() -> tuple[tuple[str, str, str], ...]:
    """Return the lines on the cost of a step for each adapter."""
    with private_folder() as folder:
        return tuple(_row(kind, folder) for kind in _PLACES)


def _row(kind: str, folder: Path) -> tuple[str, str, str]:
    plain, walking = (
        _target(kind, folder / name, text) for name, text in (("p.jsonl", _PLAIN), ("j.jsonl", _STEPS))
    )
    costs: dict[str, list[float]] = {name: [] for name in STEPS}
    for _ in range(_ROUNDS):
        # Side by side in one round: both meet the same machine.
        before, after = _step_ns(plain), _step_ns(walking)
        for name in STEPS:
            costs[name].append(after[name] - before[name])
    for target in (plain, walking):
        target.close()
    login, see = (format_ns(statistics.median(costs[name])) for name in STEPS)
    return (
        f"{kind}: step of a journey, beyond a request without a user",
        f"{login}, {see}",
        "a step that saves a token and takes a cookie, and one that sends both",
    )


def _target(kind: str, file: Path, text: str) -> LoadedTarget:
    file.write_text(text)
    return make(f"{kind}:targets.two_bytes:{_PLACES[kind]}", {"requests": str(file)})


def _step_ns(target: LoadedTarget) -> dict[str, float]:
    rng = random.Random(1)
    events = {name: target.make_event(name, rng) for name in STEPS}
    users = [target.journey.make_user(rng) if target.journey.make_user else None for _ in range(_USERS)]
    return (
        target.loop.run(_awaited(target, events, users))
        if target.is_async
        else _called(target, events, users)
    )


def _called(target: LoadedTarget, events: dict[str, Any], users: list[Any]) -> dict[str, float]:
    call, took = target.call, {}
    for name in STEPS:
        event, began_ns = events[name], time.perf_counter_ns()
        for user in users:
            USER.set(user)
            call(event)
        took[name] = (time.perf_counter_ns() - began_ns) / len(users)
    return took


async def _awaited(target: LoadedTarget, events: dict[str, Any], users: list[Any]) -> dict[str, float]:
    call, took = target.call, {}
    for name in STEPS:
        event, began_ns = events[name], time.perf_counter_ns()
        for user in users:
            USER.set(user)
            await call(event)
        took[name] = (time.perf_counter_ns() - began_ns) / len(users)
    return took
