"""The seam between the target and its kinds of work."""

import dataclasses
import random
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from targets.asset_core.core import Core
from targets.asset_core.plan import Plan
from targets.asset_core.responses import Response


@dataclasses.dataclass(frozen=True, slots=True)
class Deed:
    """An event that is no request: something done to the core, with a response."""

    do: Callable[[], Response]


class Work(Protocol):
    """Operations, their events, and what they need while the target is open."""

    operations: Mapping[str, float]

    def make(self, operation: str, rng: random.Random) -> Any:
        """Return a proxy event, or a deed."""

    def open(self, plan: Plan) -> Core | None:
        """Begin; return the core that answers requests, not open yet, or None if there is none."""

    def close(self) -> None:
        """End."""
