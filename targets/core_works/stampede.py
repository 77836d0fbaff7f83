"""Herds: many concurrent callers request an asset that has just left the caches, while others read on."""

import functools
import random
from collections.abc import Mapping
from typing import Any

from targets.asset_core.core import Core
from targets.asset_core.counting import Tally
from targets.asset_core.executor import AtOnce
from targets.asset_core.plan import Plan
from targets.asset_core.responses import Response
from targets.asset_core.routing import GET_ASSET
from targets.asset_core.scope import Scope
from targets.core_events import Events
from targets.core_works.work import Deed

HERD = 20
"""Number of concurrent callers."""

HOT_ASSETS = 5
"""Number of the most popular assets that herds request."""

STAMPEDE = f"herd of {HERD}: GET /assets/{{id}}"


class CacheStampede:
    """See `Work`. A herd's time is that of its last response, and its status the worst."""

    operations: Mapping[str, float] = {STAMPEDE: 0.1, GET_ASSET.operation: 0.9}

    def __init__(self, events: Events) -> None:
        self._events = events
        self._core: Core | None = None
        self._callers: AtOnce | None = None

    def make(self, operation: str, rng: random.Random) -> Any:
        """Return a proxy event, or a herd."""
        if operation != STAMPEDE:
            return self._events.make(operation, rng)
        tenant, asset_id = self._events.popular(rng.randrange(HOT_ASSETS))
        herd = [self._events.read(tenant, asset_id, rng) for _ in range(HERD)]
        return Deed(functools.partial(self._stampede, tenant, asset_id, herd))

    def open(self, plan: Plan) -> Core:
        """Return the core; the callers have their own threads or greenlets, enough for two herds."""
        self._callers = AtOnce(2 * HERD, plan.wrap, "herd")
        self._core = Core(plan)
        return self._core

    def close(self) -> None:
        """Stop the callers."""
        if self._callers is not None:
            self._callers.close()

    def _stampede(self, tenant: str, asset_id: str, herd: list[Any]) -> Response:
        assert self._core is not None  # noqa: S101 (the target calls nothing before it is open)
        assert self._callers is not None  # noqa: S101
        self._core.forget(tenant, [asset_id])
        asks = [functools.partial(self._core.handler, event) for event in herd]
        responses: list[Response] = self._callers.run_all(asks, Scope(float("inf"), Tally()))
        return max(responses, key=lambda response: int(response["statusCode"]))
