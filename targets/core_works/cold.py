"""Measure cold starts by phase, each in its own state: a fresh interpreter, or a fresh core in this one.

The phases add up: the cost of importing is the second minus the first, that of the first request the fourth minus the
third. Closing the core is part of the last two.
"""

import functools
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from targets.asset_core.core import Core
from targets.asset_core.plan import Plan
from targets.asset_core.responses import Response, respond
from targets.asset_core.routing import GET_ASSET
from targets.core_events import Events
from targets.core_works.work import Deed

INTERPRETER, IMPORTS = "interpreter", "interpreter, imports"
INITIALISE, FIRST_REQUEST = "initialise", "initialise, first request"
MODULES = "targets.asset_core.core, targets.asset_core.stores.servers, boto3, neo4j, redis"
SPAWN_LIMIT_S = 60.0


class ColdStart:
    """See `Work`. No core outlives the call that makes it."""

    operations: Mapping[str, float] = {INTERPRETER: 0.2, IMPORTS: 0.2, INITIALISE: 0.3, FIRST_REQUEST: 0.3}

    def __init__(self, events: Events) -> None:
        self._events = events
        self._plan: Plan | None = None

    def make(self, operation: str, rng: random.Random) -> Any:
        """Return a deed."""
        event = self._events.make(GET_ASSET.operation, rng)
        phases: dict[str, Callable[[], Response]] = {
            INTERPRETER: functools.partial(_interpret, "pass"),
            IMPORTS: functools.partial(_interpret, f"import {MODULES}"),
            INITIALISE: functools.partial(self._start, None),
            FIRST_REQUEST: functools.partial(self._start, event),
        }
        return Deed(phases[operation])

    def open(self, plan: Plan) -> None:
        """Keep the plan. No core is opened: while one is alive, the objects that others leave would stay frozen."""
        self._plan = plan

    def close(self) -> None:
        """Do nothing: each call closes its own core."""

    def _start(self, event: Any) -> Response:
        assert self._plan is not None  # noqa: S101 (the target calls nothing before it is open)
        core = Core(self._plan)
        try:
            core.open()
            return respond(200, "") if event is None else core.handler(event)
        finally:
            core.close()


def _interpret(code: str) -> Response:
    path = os.pathsep.join(sys.path)
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
        timeout=SPAWN_LIMIT_S,
    )
    return respond(200, "")
