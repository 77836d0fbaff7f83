"""The core as one object: open it, send it events, read its counters, close it."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from targets.asset_core.allocations import Usage
from targets.asset_core.container import Container
from targets.asset_core.counting import Counters
from targets.asset_core.gate import PoolView
from targets.asset_core.handler import Handler
from targets.asset_core.metering import Emit, Meter
from targets.asset_core.plan import Plan
from targets.asset_core.responses import Response
from targets.asset_core.routing import ROUTES
from targets.asset_core.scope import REQUEST_LIMIT_S, Scope
from targets.asset_core.workers.item import PoolState

METRICS = logging.getLogger("asset_core.metrics")
BACKGROUND = "background"
"""Operation under which initialisation and background checks are counted."""


class Core:
    """The core behind the handler. `emit` takes finished metric lines; by default they go to a logger."""

    def __init__(self, plan: Plan, emit: Emit = METRICS.info) -> None:
        self._counters = Counters(route.operation for route in ROUTES)
        self._container = Container(plan, self._counters.of(BACKGROUND))
        self._meter = Meter(emit, plan.clocks)
        self.handler = Handler(self._container, self._counters, self._meter).handle

    def open(self) -> None:
        """Build and check everything now; NotReadyError if that fails. No effect without `warm_init`."""
        plan = self._container.plan
        if plan.switches.warm_init:
            resources = self._container.acquire()
            # Lambda freezes a background thread between requests: its results would be stale.
            if plan.profile.name == "server" and plan.clocks.moves:
                resources.watch(self._counters.of(BACKGROUND))

        if plan.switches.gc_policy:
            self._container.policy.apply()

    def call(self, event: Any, context: object = None) -> Response:
        """Return the proxy response to a proxy event; never raises."""
        return self.handler(event, context)

    def forget(self, tenant: str, asset_ids: Sequence[str]) -> None:
        """Remove assets from the caches, as a write would; does nothing before `open` or without `warm_init`."""
        resources = self._container.resources
        if resources is not None:
            scope = Scope(
                self._container.plan.clocks.monotonic() + REQUEST_LIMIT_S, self._counters.of(BACKGROUND)
            )
            resources.cache.invalidate(tenant, asset_ids, scope)

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Return totals since the start, `{operation: {counter: total}}`."""
        return self._counters.totals()

    def record_sites(self, *, on: bool) -> None:
        """Start, or stop, recording which function calls the stores; it costs each call a walk up its stack."""
        self._counters.record_sites(on=on)

    def sites(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """Return `{operation: {counter: {function: total}}}` since recording began."""
        return self._counters.sites()

    def pools(self) -> list[PoolView]:
        """Return the state of each connection pool; none before `open` or without `warm_init`."""
        resources = self._container.resources
        if resources is None:
            return []
        return [
            store.pool()
            for store in (resources.stores.assets, resources.stores.graph, resources.stores.cache)
        ]

    def workers(self) -> list[PoolState]:
        """Return the state of each worker pool; none before `open` or without `warm_init`."""
        resources = self._container.resources
        return [] if resources is None else resources.jobs.states()

    def allocations(self) -> dict[str, Usage]:
        """Return the memory usage around each kind of work since the start."""
        return self._container.policy.tracker.usages()

    def phases_ns(self) -> dict[str, int]:
        """Return the duration of each phase of initialisation."""
        resources = self._container.resources
        return dict(resources.phases_ns) if resources is not None else {}

    def close(self) -> None:
        """Write the last metrics and close all resources."""
        self._meter.flush()
        self._container.close()
        self._container.policy.undo()
