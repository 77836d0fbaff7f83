"""One tenant sends most of the load; the others' latencies show its effect on them."""

import random
from collections.abc import Mapping
from typing import Any

from targets.asset_core.core import Core
from targets.asset_core.errors import DataError
from targets.asset_core.plan import Plan
from targets.asset_core.routing import BATCH_GET, GET_ASSET, INGEST
from targets.core_events import Events

NOISY, QUIET = "noisy tenant", "quiet tenants"
_KINDS = {
    (NOISY, GET_ASSET.operation): 0.60,
    (NOISY, BATCH_GET.operation): 0.20,
    (NOISY, INGEST.operation): 0.05,
    (QUIET, GET_ASSET.operation): 0.13,
    (QUIET, BATCH_GET.operation): 0.02,
}


class TenantSkew:
    """See `Work`. The noisy tenant is the one with the most assets. DataError with fewer than two tenants."""

    operations: Mapping[str, float] = {
        f"{who}: {operation}": share for (who, operation), share in _KINDS.items()
    }

    def __init__(self, events: Events) -> None:
        first, *others = sorted(events.tenants, key=lambda tenant: -tenant.count)
        if not others:
            raise DataError(
                "all assets belong to one tenant", where="data", remedy="Name two tenants or more"
            )
        by_who = {NOISY: events.only({first.name}), QUIET: events.only({tenant.name for tenant in others})}
        self._makers = {
            name: (by_who[who], operation)
            for name, (who, operation) in zip(self.operations, _KINDS, strict=True)
        }

    def make(self, operation: str, rng: random.Random) -> Any:
        """Return a proxy event."""
        events, name = self._makers[operation]
        return events.make(name, rng)

    def open(self, plan: Plan) -> Core:
        """Return the core."""
        return Core(plan)

    def close(self) -> None:
        """Do nothing: no resources are held."""
