"""Report the activity of a process for operators: connections, workers, caches and memory."""

from collections.abc import Mapping

import msgspec

from targets.asset_core.allocations import Usage
from targets.asset_core.assembly import Resources
from targets.asset_core.cache.local import LocalView
from targets.asset_core.errors import ForbiddenError
from targets.asset_core.gate import PoolView
from targets.asset_core.health import HealthView, StoreHealth
from targets.asset_core.request import Request
from targets.asset_core.security.bearer import bearer_token
from targets.asset_core.security.permissions import WRITE
from targets.asset_core.workers.item import PoolState

DETAILS_PERMISSION = WRITE
"""Permission for the details: callers who may change the inventory may see the state of the service."""


class HealthDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """The health view, with the rest only on request. `abandoned` tasks run although their callers stopped waiting."""

    status: str
    stores: dict[str, StoreHealth]
    connections: list[PoolView] = []
    workers: list[PoolState] = []
    local_cache: LocalView | None = None
    memory: dict[str, Usage] = {}
    abandoned: int = 0


def wants_details(request: Request) -> bool:
    """Return True if a request has the query parameter `details`, with any value."""
    query = request.event.get("queryStringParameters")
    return isinstance(query, Mapping) and "details" in query


def require_insight(resources: Resources, request: Request) -> None:
    """Raise UnauthorisedError or ForbiddenError unless the caller may see details."""
    request.principal = resources.authenticate(bearer_token(request.headers.get("authorization")))
    if DETAILS_PERMISSION not in request.principal.permissions:
        raise ForbiddenError(f"{DETAILS_PERMISSION} is missing")


def details_of(resources: Resources, view: HealthView) -> HealthDetails:
    """Return the view with all details of the process."""
    stores = resources.stores
    return HealthDetails(
        status=view.status,
        stores=view.stores,
        connections=[store.pool() for store in (stores.assets, stores.graph, stores.cache)],
        workers=resources.jobs.states(),
        local_cache=None if resources.local is None else resources.local.view(),
        memory=resources.processor.policy.tracker.usages(),
        abandoned=resources.executor.left_over + resources.processor.executor.left_over,
    )
