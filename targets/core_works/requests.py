"""Requests of all operations, by all tenants: mostly reads."""

import random
from collections.abc import Mapping
from typing import Any

from targets.asset_core.core import Core
from targets.asset_core.plan import Plan
from targets.asset_core.routing import BATCH_GET, GET_ASSET, GET_HEALTH, GET_JOB, INGEST, SUBMIT_JOB
from targets.core_events import Events

OPERATIONS = {
    GET_ASSET.operation: 0.95,
    BATCH_GET.operation: 0.02,
    INGEST.operation: 0.01,
    SUBMIT_JOB.operation: 0.005,
    GET_JOB.operation: 0.005,
    GET_HEALTH.operation: 0.01,
}


class Requests:
    """See `Work`."""

    operations: Mapping[str, float] = OPERATIONS

    def __init__(self, events: Events) -> None:
        self._events = events
        self._core: Core | None = None
        self._jobs_submitted = False

    def make(self, operation: str, rng: random.Random) -> Any:
        """Return a proxy event."""
        if operation == GET_JOB.operation:
            self._submit_known_jobs()
        return self._events.make(operation, rng)

    def open(self, plan: Plan) -> Core:
        """Return the core."""
        self._core = Core(plan)
        return self._core

    def close(self) -> None:
        """Do nothing: no resources are held."""

    def _submit_known_jobs(self) -> None:
        if self._core is not None and not self._jobs_submitted:
            self._jobs_submitted = True
            for event in self._events.known_jobs():
                self._core.handler(event)
