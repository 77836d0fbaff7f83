"""A flame graph as plain data: what is shown of one profile or of two."""

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
    """What one unit of weight stands for in the unit that is shown: 1, or the ns between two samples."""

    @property
    def all_requests(self) -> int:
        """Requests of all operations together; at least 1, so that it can divide."""
        return max(self.requests[""], 1)

    @property
    def of_operations(self) -> dict[str, int]:
        """Requests by operation, where they are known."""
        return {name: count for name, count in self.requests.items() if name}


@dataclasses.dataclass(frozen=True, slots=True)
class FlameRow:
    """One function of the table of one side: its own weight and its whole weight, per request."""

    frame: str
    own: float
    whole: float


@dataclasses.dataclass(frozen=True, slots=True)
class FlameView:
    """All that is shown of one profile (one side) or of two, baseline first."""

    title: str
    unit: str
    sides: tuple[FlameSide, ...]
    tree: Tree
    lines: Mapping[str, int]
    by_self: tuple[FlameRow, ...]
    by_total: tuple[FlameRow, ...]
    per_request: bool = True
    """False for what is held at one moment: dividing it by requests would mean nothing."""
    changes: tuple[FrameChange, ...] = ()
    """Of two sides: every function of every operation."""
    nodes: tuple[NodeFindings, NodeFindings] | None = None
    """Of two sides: what may be said of the whole weight and of the own weight of each node."""
    is_sampled: bool = True
    rounds: int = 1
    """Interleaved runs of each side."""

    @property
    def is_empty(self) -> bool:
        """True if no side has a stack."""
        return not self.tree.nodes
