"""Findings for each place of a graph of two sides: for its total and its self weight."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from harness.profiles.difference.counts import Compared, Counts
from harness.profiles.difference.finding import Finding
from harness.profiles.difference.frames import Change, FrameChange, ProfiledRun, compare_apart
from harness.profiles.stacks.marker import MARKER_PREFIX


class Node(Protocol):
    """One frame at one place of a graph; nodes stand in preorder, and `depth` 0 is a root."""

    @property
    def name(self) -> str:
        """The frame."""

    @property
    def depth(self) -> int:
        """Number of frames between this one and the root."""

    @property
    def is_several(self) -> bool:
        """True if it stands for several frames."""


@dataclasses.dataclass(frozen=True, slots=True)
class NodeFindings:
    """By node, for its total or self weight: half the width of the interval per request, and the finding."""

    reach: tuple[float, ...]
    findings: tuple[Finding, ...]
    of_function: frozenset[int] = frozenset()
    """Places that take the finding of their function over all its places, because one place has too few samples."""


def node_findings(
    nodes: Sequence[Node],
    weights: Sequence[Sequence[float]],
    before: Sequence[ProfiledRun],
    after: Sequence[ProfiledRun],
    changes: Sequence[FrameChange] = (),
) -> tuple[NodeFindings, NodeFindings]:
    """Return (total, self) findings of every node for the runs of two sides; nodes that stand for several frames get none.

    `weights` are by run, those before and then those after, and in each by node.
    A node without a finding takes that of its function in `changes`, where the node moved in the same direction.
    """
    runs = [*before, *after]
    shape = (len(nodes), len(runs))
    whole = np.array(weights, dtype=float).T.reshape(shape)
    exposures = np.array(list(_exposures(nodes, runs)), dtype=float).reshape(shape)
    own = whole - _of_children(nodes, whole)
    own[own < 1e-9 * whole] = 0
    unit = runs[0].profile.unit
    told = {(row.operation, row.frame): row for row in changes}
    functions = [told.get(key) for key in _functions(nodes)]

    def found(of_runs: np.ndarray, which: str) -> NodeFindings:
        parts = [slice(len(before)), slice(len(before), None)]
        one, two = (Counts(of_runs[:, part], exposures[:, part]) for part in parts)
        compared = compare_apart(unit, one, two, of_operations=list(_of_operations(nodes)))
        of_node = [getattr(row, which) if row else None for row in functions]
        return _found(nodes, compared, of_node)

    return found(whole, "whole"), found(own, "own")


def _found(nodes: Sequence[Node], compared: Compared, of_function: Sequence[Change | None]) -> NodeFindings:
    moves = compared.after - compared.before
    findings = []
    as_told = set()
    for place, (node, finding, told) in enumerate(zip(nodes, compared.findings, of_function, strict=True)):
        if node.is_several:
            findings.append(Finding.CANNOT_TELL)
        elif (
            finding is Finding.CANNOT_TELL
            and told
            and told.finding.is_coloured
            and moves[place] * told.change > 0
        ):
            findings.append(told.finding)
            as_told.add(place)
        else:
            findings.append(finding)
    reach = tuple(((compared.high - compared.low) / 2).tolist())
    return NodeFindings(reach, tuple(findings), frozenset(as_told))


def _functions(nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """Yield the operation and function of each node, as the table of functions names them."""
    operation = ""
    for node in nodes:
        if node.depth == 0:
            operation = node.name.removeprefix(MARKER_PREFIX)
        yield operation, node.name


def _of_operations(nodes: Sequence[Node]) -> Iterator[bool]:
    is_one = False
    for node in nodes:
        if node.depth == 0:
            is_one = node.name.startswith(MARKER_PREFIX)
        yield is_one


def _exposures(nodes: Sequence[Node], runs: Sequence[ProfiledRun]) -> Iterator[list[float]]:
    root: list[float] = []
    for node in nodes:
        if node.depth == 0:
            root = [run.exposure(node.name) for run in runs]
        yield root


def _of_children(nodes: Sequence[Node], whole: np.ndarray) -> np.ndarray:
    """Return the summed weight of each node's children."""
    sums = np.zeros_like(whole)
    above: list[int] = []
    for place, node in enumerate(nodes):
        del above[node.depth :]
        if above:
            sums[above[-1]] += whole[place]
        above.append(place)
    return sums
