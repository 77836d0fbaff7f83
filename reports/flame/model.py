"""Flame graph of one or two profiles as plain data."""

import dataclasses
from collections.abc import Mapping

from harness.profiles.difference.frames import FrameChange
from harness.profiles.difference.places import NodeFindings
from reports.flame.tree import Tree


@dataclasses.dataclass(frozen=True, slots=True)
class FlameSide:
    """One profile as the view needs it; `requests` has the key "" for all operations together."""

    label: str
    total: float
    requests: Mapping[str, int]
    per_weight: float = 1.0
    """Factor from one unit of weight to the shown unit: 1, or the ns between two samples."""

    @property
    def all_requests(self) -> int:
        """Number of requests of all operations; at least 1, so that it can be a divisor."""
        return max(self.requests[""], 1)

    @property
    def of_operations(self) -> dict[str, int]:
        """Number of requests by operation, where known."""
        return {name: count for name, count in self.requests.items() if name}


@dataclasses.dataclass(frozen=True, slots=True)
class FlameRow:
    """One function of the table of one side: its self and total weight per request."""

    frame: str
    own: float
    whole: float


@dataclasses.dataclass(frozen=True, slots=True)
class FlameView:
    """View of one profile (one side) or of two, baseline first."""

    title: str
    unit: str
    sides: tuple[FlameSide, ...]
    tree: Tree
    lines: Mapping[str, int]
    by_self: tuple[FlameRow, ...]
    by_total: tuple[FlameRow, ...]
    per_request: bool = True
    """False for quantities at one moment, for which a figure per request is meaningless."""
    changes: tuple[FrameChange, ...] = ()
    """Every function of every operation, for two sides."""
    nodes: tuple[NodeFindings, NodeFindings] | None = None
    """Findings on the total and the self weight of each node, for two sides."""
    is_sampled: bool = True
    rounds: int = 1
    """Number of interleaved runs of each side."""

    @property
    def is_empty(self) -> bool:
        """True if no side has a stack."""
        return not self.tree.nodes
