"""What work on many assets makes, and the pools that it makes it from: results, answers, lists of risks and technologies.

Requests have theirs in the handler, and the 4 KiB buffers one of their own kind (`buffers.py`): they carry no flag.
"""

import dataclasses

import msgspec

from targets.asset_core.model import Risk, Technology
from targets.asset_core.pools import ObjectPool, Slab

POOL_LIMIT = 64
RESULT_LIMIT = 1_000
"""As many results as one request may ask for."""


class Processed(msgspec.Struct, omit_defaults=True):
    """What is left of an asset: `risk_count` counts all its risks, `risk_score` the open ones."""

    id: str
    name: str
    type: str
    risk_count: int
    risk_score: float
    processed_at: str
    # Not sent: a result that is sent is in use.
    idle: bool = False

    def reset(self) -> None:
        """Hold nothing."""
        self.id = self.name = self.type = self.processed_at = ""
        self.risk_count, self.risk_score = 0, 0.0


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why there is no result: not_found, unavailable (with the store), timeout or internal."""

    code: str
    store: str = ""


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """One result or one error, never both, for one id."""

    id: str
    result: Processed | None = None
    error: Problem | None = None


class BatchAnswer(msgspec.Struct, omit_defaults=True):
    """One result or one error for each id, in the order asked for."""

    results: list[Outcome]
    idle: bool = False

    def reset(self) -> None:
        """Hold nothing."""
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
