"""Estimate the level of every state from measured effects between pairs of states: weighted least squares.

An effect is a difference of two levels. Where measurements form loops, as a chain and the anchor that spans it, the
estimate agrees best with all of them. The variance of a level grows with the number of steps from the reference and
shrinks with every anchor (note in `harness/history/__init__.py`). If the loops disagree by more than the blocks of
the sessions explain, all variances are widened by the ratio (Birge, The calculation of errors by the method of least
squares, 1932).
"""

import dataclasses
import math
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from harness.stats.student import student_quantile

Node = TypeVar("Node", bound=Hashable)
CONFIDENCE = 0.95
_LEAST_FREEDOM = 4.0


@dataclasses.dataclass(frozen=True, slots=True)
class Edge(Generic[Node]):
    """A measured effect: the level of `candidate` minus that of `base`, with its standard error."""

    base: Node
    candidate: Node
    effect: float
    error: float


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """The level of a state above the start, with its standard error; all are logarithms. The interval has `reach` of those."""

    value: float
    error: float
    reach: float = 1.96

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.value - self.reach * self.error

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.value + self.reach * self.error


def reachable(edges: Sequence[Edge[Node]], start: Node) -> dict[Node, int]:
    """Return the nodes that are tied to `start`, in the order in which they are found, each with its place."""
    beside: dict[Node, list[Node]] = {}
    for edge in edges:
        beside.setdefault(edge.base, []).append(edge.candidate)
        beside.setdefault(edge.candidate, []).append(edge.base)
    found, queue = {start: 0}, [start]
    for node in queue:
        for other in beside.get(node, ()):
            if other not in found:
                found[other] = len(found)
                queue.append(other)
    return found


def levels(edges: Sequence[Edge[Node]], start: Node, freedom: float = math.inf) -> dict[Node, Level]:
    """Return the level of every node that is tied to `start`, which is at zero. Every error must be above zero.

    `freedom` are the degrees of freedom from which the errors are known.
    """
    import numpy as np

    places = reachable(edges, start)
    used = [edge for edge in edges if edge.base in places and edge.base != edge.candidate]
    if not used:
        return {start: Level(0.0, 0.0)}
    weights = np.array([edge.error**-2 for edge in used])
    effects = np.array([edge.effect for edge in used])
    signs = np.zeros((len(used), len(places)))
    rows = np.arange(len(used))
    signs[rows, [places[edge.candidate] for edge in used]] = 1.0
    signs[rows, [places[edge.base] for edge in used]] = -1.0
    signs = signs[:, 1:]
    weighted = signs * weights[:, None]
    covariance = np.linalg.inv(signs.T @ weighted)
    values = covariance @ (weighted.T @ effects)
    loops = len(used) - (len(places) - 1)
    left = effects - signs @ values
    ratio = math.sqrt(max(1.0, float(weights @ left**2) / loops)) if loops else 1.0
    errors = ratio * np.sqrt(np.diag(covariance))
    reach = student_quantile(CONFIDENCE, max(freedom, _LEAST_FREEDOM))
    return {
        node: Level(float(values[place - 1]), float(errors[place - 1]), reach) if place else Level(0.0, 0.0)
        for node, place in places.items()
    }
