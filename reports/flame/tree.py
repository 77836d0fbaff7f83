"""Build the tree of a flame graph: the union of one or two profiles, small enough for a page.

It is built from the root downwards, heaviest frame first, so that only shown nodes are built.
"""

import dataclasses
import heapq
import itertools
import json
import math
import operator
from collections import defaultdict
from collections.abc import Iterator, Sequence

from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.weighted import Leaves, Stack, by_callers

OTHER = "(other)"
"""Name of the node for the frames of one parent that are not shown: too small, or no room."""

LEAST_SHARE = 0.001
ROOM_BYTES = 350_000
"""Size limit of the nodes of one tree in a page."""

_NODE_BYTES = (20, 48)  # Two numbers for the position; a weight, or two with their intervals and findings.
_LONGEST_NAME = 300


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """One frame at one position; `depth` 0 is a root. `weights` holds the weight of each side."""

    name: str
    depth: int
    weights: tuple[float, ...]

    @property
    def is_several(self) -> bool:
        """True if it represents all frames of its parent that are not shown."""
        return self.name == OTHER


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    """Nodes in preorder, heaviest child first. A node's weight is its self weight plus that of its children.

    Of each side, no frame with more than `least_share` of the total is in `(other)`.
    """

    nodes: tuple[Node, ...]
    least_share: float


_Item = tuple[Stack, int, Leaves, float]
"""Callers, the side, the leaves on top of them, and their sum."""


@dataclasses.dataclass(slots=True)
class _Branch:
    """A node while the tree grows: `children` may be shown, `other` is the weight of the rest."""

    name: str
    depth: int
    weights: tuple[float, ...]
    share: float
    items: Sequence[_Item]
    other: tuple[float, ...]
    is_shown: bool = False
    children: list["_Branch"] = dataclasses.field(default_factory=list)


def build_tree(profiles: Sequence[Profile]) -> Tree:
    """Return the union of `profiles`; frames below 0.1 % on every side are merged into `(other)`.

    The heaviest frames come first until 350 kB of a page are full. Every side keeps its total.
    """
    items = [
        (callers, side, leaves, sum(leaves.values()))
        for side, part in enumerate(profiles)
        for callers, leaves in by_callers(part.stacks).items()
    ]
    totals = [part.total for part in profiles]
    top = _Branch("", -1, tuple(totals), 1.0, items, (0.0,) * len(totals))
    least_share = _grow(top, totals)
    return Tree(tuple(_preorder(top)), least_share)


def weights_in(tree: Tree, profile: Profile) -> list[float]:
    """Return the weight of `profile` at every node of a tree that contains it: hidden frames are in `(other)`."""
    nowhere, root = len(tree.nodes), len(tree.nodes) + 1
    children: list[dict[str, int]] = [{} for _ in range(root + 1)]
    above: list[int] = []
    for place, node in enumerate(tree.nodes):
        del above[node.depth :]
        children[above[-1] if above else root][node.name] = place
        above.append(place)
    weights = [0.0] * (nowhere + 1)
    for callers, leaves in by_callers(profile.stacks).items():
        weight = sum(leaves.values())
        at = root
        for name in callers:
            at = children[at].get(name, children[at].get(OTHER, nowhere))
            weights[at] += weight
        other = children[at].get(OTHER, nowhere)
        for name, weight in leaves.items():
            weights[children[at].get(name, other)] += weight
    return weights[:nowhere]


def name_numbers(tree: Tree) -> dict[str, int]:
    """Return the number of each name of a tree, by which the page refers to it."""
    return {name: number for number, name in enumerate(dict.fromkeys(node.name for node in tree.nodes))}


def short_name(name: str) -> str:
    """Return a name of at most 300 characters, with the middle of a longer one left out."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:200]}…{name[-99:]}"


def _grow(top: _Branch, totals: Sequence[float]) -> float:
    """Show branches, the heaviest first, while there is room; return the share of the heaviest that is not shown."""
    order = itertools.count()
    room_bytes = ROOM_BYTES
    names: set[str] = set()
    heap: list[tuple[float, int, _Branch]] = [(-1.0, next(order), top)]
    while heap:
        _, _, branch = heapq.heappop(heap)
        room_bytes -= _NODE_BYTES[len(totals) > 1] + (
            0 if branch.name in names else len(json.dumps(short_name(branch.name)))
        )
        if room_bytes < 0:
            return max(branch.share, LEAST_SHARE)
        names.add(branch.name)
        branch.is_shown = True
        _expand(branch, totals)
        for child in branch.children:
            heapq.heappush(heap, (-child.share, next(order), child))
    return LEAST_SHARE


def _expand(branch: _Branch, totals: Sequence[float]) -> None:
    """Find the frames directly called from `branch`: its children, and the sum of those too small to show."""
    depth = branch.depth + 1
    weights: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(totals))
    groups: dict[str, list[_Item]] = defaultdict(list)
    for item in branch.items:
        callers, side, leaves, weight = item
        if len(callers) > depth:
            weights[callers[depth]][side] += weight
            groups[callers[depth]].append(item)
        else:
            for name, weight in leaves.items():
                weights[name][side] += weight
    other = [0.0] * len(totals)
    least = [LEAST_SHARE * total or math.inf for total in totals]
    for name, sums in weights.items():
        if any(map(operator.ge, sums, least)):
            share = max(weight / total if total else 0 for weight, total in zip(sums, totals, strict=True))
            nothing = (0.0,) * len(totals)
            branch.children.append(_Branch(name, depth, tuple(sums), share, groups.get(name, ()), nothing))
        else:
            for side, weight in enumerate(sums):
                other[side] += weight
    branch.other = tuple(other)
    branch.items = ()


def _preorder(top: _Branch) -> Iterator[Node]:
    """Yield the shown nodes below `top`; after the children of each branch, its `(other)` node."""
    open_: list[_Branch | Node] = [top]
    while open_:
        entry = open_.pop()
        if isinstance(entry, Node):
            yield entry
            continue
        if entry is not top:
            yield Node(entry.name, entry.depth, entry.weights)
        children = sorted(entry.children, key=lambda child: (-child.share, child.name))
        other = entry.other
        for child in children:
            other = other if child.is_shown else _sum(other, child.weights)
        if any(other):
            open_.append(Node(OTHER, entry.depth + 1, other))
        open_.extend(child for child in reversed(children) if child.is_shown)


def _sum(first: Sequence[float], second: Sequence[float]) -> tuple[float, ...]:
    return tuple(a + b for a, b in zip(first, second, strict=True))
