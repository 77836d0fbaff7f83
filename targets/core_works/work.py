"""The interface between the target and its kinds of work."""

import dataclasses
import random
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from targets.asset_core.core import Core
from targets.asset_core.plan import Plan
from targets.asset_core.responses import Response


@dataclasses.dataclass(frozen=True, slots=True)
class Deed:
    """An event other than a request: an action on the core, with a response."""

    do: Callable[[], Response]


class Work(Protocol):
    """Operations, their events, and their resources while the target is open."""

    operations: Mapping[str, float]

    def make(self, operation: str, rng: random.Random) -> Any:
        """Return a proxy event, or a deed."""

    def open(self, plan: Plan) -> Core | None:
        """Begin; return the unopened core that answers requests, or None without one."""

    def close(self) -> None:
        """Release the resources."""
