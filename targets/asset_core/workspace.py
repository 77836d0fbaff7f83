"""The reusable objects for work on many assets, and their pools: results, answers, lists of risks and technologies.

The handler has the pool of requests, and the 4 KiB buffers have a separate kind (`buffers.py`): they carry no flag.
"""

import dataclasses

import msgspec

from targets.asset_core.model import Risk, Technology
from targets.asset_core.pools import ObjectPool, Slab

POOL_LIMIT = 64
RESULT_LIMIT = 1_000
"""Maximum number of results per request."""


class Processed(msgspec.Struct, omit_defaults=True):
    """A summary of an asset: `risk_count` counts all its risks, `risk_score` the open ones."""

    id: str
    name: str
    type: str
    risk_count: int
    risk_score: float
    processed_at: str
    # Not sent: a result being sent is in use.
    idle: bool = False

    def reset(self) -> None:
        """Clear all fields."""
        self.id = self.name = self.type = self.processed_at = ""
        self.risk_count, self.risk_score = 0, 0.0


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The reason of a missing result: not_found, unavailable (with the store), timeout or internal."""

    code: str
    store: str = ""


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """Either a result or an error for one id."""

    id: str
    result: Processed | None = None
    error: Problem | None = None


class BatchAnswer(msgspec.Struct, omit_defaults=True):
    """One result or one error for each id, in the requested order."""

    results: list[Outcome]
    idle: bool = False

    def reset(self) -> None:
        """Clear all fields."""
        self.results.clear()


@dataclasses.dataclass(frozen=True, slots=True)
class Workspace:
    """One pool for each kind of object."""

    assets: ObjectPool[Processed]
    answers: ObjectPool[BatchAnswer]
    risks: ObjectPool[Slab[Risk]]
    technologies: ObjectPool[Slab[Technology]]


def make_workspace(*, pooled: bool) -> Workspace:
    """Return new pools; without `pooled` each object is new."""
    few, many = (POOL_LIMIT, RESULT_LIMIT) if pooled else (0, 0)
    return Workspace(
        assets=ObjectPool(_new_asset, many),
        answers=ObjectPool(lambda: BatchAnswer([]), few),
        risks=ObjectPool(Slab, few),
        technologies=ObjectPool(Slab, few),
    )


def _new_asset() -> Processed:
    return Processed("", "", "", 0, 0.0, "")
