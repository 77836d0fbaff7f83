"""Build the view of a flame graph from profiles; `harness.profiles.difference` judges differences."""

import heapq
from collections.abc import Mapping, Sequence

from harness.profiles.difference.frames import SAMPLED, FrameChange, ProfiledRun, compare_frames
from harness.profiles.difference.places import NodeFindings, node_findings
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import frame_path
from reports.flame.model import FlameRow, FlameSide, FlameView
from reports.flame.tree import Tree, build_tree, weights_in

_ROWS = 20

Requests = int | Mapping[str, int]
"""Number of requests that a profile covers: of all operations together, or of each."""


def flame_view(
    title: str,
    unit: str,
    sides: Sequence[tuple[str, Profile, Requests]],
    *,
    per_request: bool = True,
    ns_per_sample: Sequence[float] = (),
    rounds: Sequence[Sequence[ProfiledRun]] = (),
) -> FlameView:
    """Return the view of one or two `(label, profile, requests)`, the baseline first.

    Weights are shown per request, or as they are if `per_request` is false (a peak). `unit` is `samples`,
    `allocations`, `bytes` or `ns`. With `ns_per_sample` for each side samples are shown as time. `rounds` are the
    interleaved runs of each side that its profile is the sum of. Raises ValueError for any other number of sides.
    """
    if len(sides) not in {1, 2}:
        raise ValueError(f"a flame graph has one side or two, not {len(sides)}")
    scales = ns_per_sample or (1.0,) * len(sides)
    shown = tuple(
        FlameSide(label, profile.total, _requests(count) if per_request else {"": 1}, scale)
        for (label, profile, count), scale in zip(sides, scales, strict=True)
    )
    profiles = [profile for _, profile, _ in sides]
    tree = build_tree(profiles)
    functions = profiles[0].functions() if len(sides) == 1 else {}
    runs = [
        ProfiledRun(
            profile, side.requests if len(side.requests) == 1 else side.of_operations, side.per_weight
        )
        for profile, side in zip(profiles, shown, strict=True)
    ]
    parts = rounds or [[run] for run in runs]
    before, after = parts[0], parts[-1]
    names = {node.name for node in tree.nodes}
    changes = compare_frames(before, after) if len(sides) > 1 else ()
    return FlameView(
        title=title,
        unit="ns" if ns_per_sample else unit,
        sides=shown,
        tree=tree,
        lines={name: line for profile in profiles for name, line in profile.lines.items() if name in names},
        by_self=_top(functions, shown[0], 0),
        by_total=_top(functions, shown[0], 1),
        per_request=per_request,
        changes=changes,
        nodes=_node_findings(tree, before, after, changes) if len(sides) > 1 else None,
        is_sampled=unit == SAMPLED,
        rounds=min(map(len, parts)),
    )


def _requests(count: Requests) -> dict[str, int]:
    return {"": count} if isinstance(count, int) else {"": sum(count.values()), **count}


def _top(functions: Mapping[str, tuple[float, float]], side: FlameSide, which: int) -> tuple[FlameRow, ...]:
    """Return the functions with the largest self (`which` 0) or total weight (1); roots are not functions."""
    found = ((name, weights) for name, weights in functions.items() if weights[which] and frame_path(name))
    return tuple(
        FlameRow(
            frame=name,
            own=own * side.per_weight / side.all_requests,
            whole=whole * side.per_weight / side.all_requests,
        )
        for name, (own, whole) in heapq.nsmallest(_ROWS, found, key=lambda item: (-item[1][which], item[0]))
    )


def _node_findings(
    tree: Tree, before: Sequence[ProfiledRun], after: Sequence[ProfiledRun], changes: Sequence[FrameChange]
) -> tuple[NodeFindings, NodeFindings]:
    weights = [weights_in(tree, run.profile) for run in (*before, *after)]
    return node_findings(tree.nodes, weights, before, after, changes)
