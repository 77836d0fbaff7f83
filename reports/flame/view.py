"""Flame graphs: one profile, or two side by side, as an HTML fragment that needs nothing from anywhere.

`flame_view` decides what is shown, `render` writes it, and `assets` is the one style and script of a page. The
tables say without scripts what the graph says with them. What may be said of a difference is decided in
`harness.profiles.difference`; `reports.flame.difference` brings it to the page.
"""

import dataclasses
import functools
import heapq
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources

from harness.profiles.difference.frames import SAMPLED, FrameChange, ProfiledRun, compare_frames
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import frame_path
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.units import format_percent, significant
from reports.flame import difference as flame_difference
from reports.flame.difference import FINDINGS, NodeFindings, Places, amount
from reports.flame.tree import Tree, build_tree, name_numbers, short_name

_ROWS = 20
_SCRIPTS = (
    "flame_tree.js",
    "flame_words.js",
    "flame_difference.js",
    "flame_drawing.js",
    "flame_export.js",
    "flame.js",
    "flame_tabs.js",
)
_PLUMBING = ("harness/", "locust/", "gevent/", "greenlet/", "concurrent/futures/", "threading.py")
"""Code that starts and passes on: of its frames the graph folds away those that do nothing else."""

Requests = int | Mapping[str, int]
"""How many requests a profile covers: of all operations together, or of each."""


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
        ProfiledRun(profile, side.requests if len(side.requests) == 1 else _operations(side), side.per_weight)
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
        nodes=flame_difference.node_findings(tree, before, after, changes) if len(sides) > 1 else None,
        is_sampled=unit == SAMPLED,
        rounds=min(map(len, parts)),
    )


def render(view: FlameView) -> str:
    """Return an HTML fragment; the page must hold `assets()` once, and should define the six CSS colours."""
    title = escape(view.title)
    if view.is_empty:
        return (
            f'<figure class="flame"><figcaption>{title}</figcaption><p>No stack was recorded.</p></figure>\n'
        )
    return (
        f'<figure class="flame" data-key="{_key(view)}" aria-label="{title}"><figcaption>{title}</figcaption>\n'
        f'<p class="flame-facts">{_facts(view)}</p>\n'
        f'<div class="flame-graph"></div>\n'
        f'<script type="application/json" class="flame-data">{_json(_data(view))}</script>\n'
        f'<p class="flame-legend">{_legend(view)}</p>\n'
        f"{_tables(view)}</figure>\n"
    )


@functools.cache
def assets() -> str:
    """Return the style and the script that all flame graphs of one page share."""
    folder = resources.files("reports") / "assets"
    style = (folder / "flame.css").read_text("utf-8")
    script = "".join((folder / name).read_text("utf-8") for name in _SCRIPTS)
    return f"<style>\n{style}</style>\n<script>\n{script}</script>\n"


def _requests(count: Requests) -> dict[str, int]:
    return {"": count} if isinstance(count, int) else {"": sum(count.values()), **count}


def _operations(side: FlameSide) -> dict[str, int]:
    return {name: count for name, count in side.requests.items() if name}


def _key(view: FlameView) -> str:
    return flame_difference.slug(view.title, [side.label for side in view.sides])


def _tables(view: FlameView) -> str:
    places = Places(view.lines, name_numbers(view.tree))
    if view.changes:
        labels = [side.label for side in view.sides]
        per = "per request of their operation" if view.per_request else "in all"
        requests = _operations(view.sides[0])
        return flame_difference.table(
            view.changes, labels, view.unit, per, places, requests, is_sampled=view.is_sampled
        )
    return _table("Top functions by their own weight", view, view.by_self, places, is_open=True) + _table(
        "Top functions by their whole weight", view, view.by_total, places, is_open=False
    )


def _top(functions: Mapping[str, tuple[float, float]], side: FlameSide, which: int) -> tuple[FlameRow, ...]:
    """Return the functions with the largest own weight (`which` 0) or whole weight (1); roots are not functions."""
    found = ((name, weights) for name, weights in functions.items() if weights[which] and frame_path(name))
    return tuple(
        FlameRow(
            frame=name,
            own=own * side.per_weight / side.all_requests,
            whole=whole * side.per_weight / side.all_requests,
        )
        for name, (own, whole) in heapq.nsmallest(_ROWS, found, key=lambda item: (-item[1][which], item[0]))
    )


def _data(view: FlameView) -> dict[str, object]:
    """Return what the script draws: names once, and one entry a node in each column."""
    names = name_numbers(view.tree)
    return {
        "unit": view.unit,
        "per": _per(view),
        "sides": [
            {
                "label": side.label,
                "total": _short(side.total),
                "requests": side.requests,
                "scale": side.per_weight,
            }
            for side in view.sides
        ],
        "marker": MARKER_PREFIX,
        "names": [short_name(name) for name in names],
        "plumbing": [number for name, number in names.items() if frame_path(name).startswith(_PLUMBING)],
        "lines": [view.lines.get(name, 0) for name in names],
        "name": [names[node.name] for node in view.tree.nodes],
        "depth": [node.depth for node in view.tree.nodes],
        "weights": [
            [_short(node.weights[side]) for node in view.tree.nodes] for side in range(len(view.sides))
        ],
        "sampled": view.is_sampled,
        "findings": [str(finding) for finding in FINDINGS],
        "found": [
            {
                "reach": [float(f"{reach:.3g}") for reach in part.reach] if view.is_sampled else [],
                "finding": [FINDINGS.index(finding) for finding in part.findings],
                "function": sorted(part.of_function),
            }
            for part in view.nodes or ()
        ],
    }


def _short(weight: float) -> float:
    return int(weight) if weight == int(weight) else float(f"{weight:.6g}")


def _json(data: object) -> str:
    """Return JSON that no HTML parser can take for markup, and no script for a line's end."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _what(view: FlameView) -> str:
    """Return what is shown in words: times are written in the unit that fits each."""
    return "time" if view.unit == "ns" else view.unit


def _per(view: FlameView) -> str:
    return "per request" if view.per_request else "in all"


def _facts(view: FlameView) -> str:
    return " · ".join(_side_facts(view, side) for side in view.sides)


def _side_facts(view: FlameView, side: FlameSide) -> str:
    total = _with_unit(side.total * side.per_weight, view.unit)
    if not view.per_request:
        return f"{escape(side.label)}: {escape(total)} in all"
    each = _with_unit(side.total * side.per_weight / side.all_requests, view.unit)
    samples = f", {side.total:,.0f} samples" if view.is_sampled and view.unit == "ns" else ""
    return (
        f"{escape(side.label)}: {escape(total)} in {side.all_requests:,} requests{samples},"
        f" {escape(each)} per request"
    )


def _legend(view: FlameView) -> str:
    small = f"Frames under {significant(view.tree.least_share * 100)} % of the whole are merged into (other)."
    if len(view.sides) == 1:
        return (
            f"Width: {escape(_what(view))}, a caller above what it calls. {small}"
            " Colour tells apart where the code stands and means nothing else."
        )
    return (
        '<span class="flame-key flame-key-more"></span>+ more than before, '
        '<span class="flame-key flame-key-less"></span>− less, '
        '<span class="flame-key flame-key-untold"></span>cannot be told or the same. The plain part of a frame is what'
        " both sides have, the hatched part the difference, and the outline the room of all that stands on it. "
        f"{flame_difference.explain(SAMPLED if view.is_sampled else view.unit, view.rounds)} {small}"
    )


def _table(caption: str, view: FlameView, rows: Sequence[FlameRow], places: Places, *, is_open: bool) -> str:
    heads = "".join(
        f'<th scope="col">{escape(head)}</th>' for what in ("own", "whole") for head in (what, "share")
    )
    body = "".join(
        f'<tr><th scope="row">{flame_difference.function_cell(row.frame, places)}</th>{_cells(view, row)}</tr>\n'
        for row in rows
    )
    return (
        f"<details{' open' if is_open else ''}><summary>{caption}, {escape(_what(view))} {_per(view)}</summary>\n"
        f'<div class="flame-table" tabindex="0" role="region" aria-label="{caption}"><table><thead><tr><th scope="col">function</th>{heads}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div></details>\n"
    )


def _cells(view: FlameView, row: FlameRow) -> str:
    side = view.sides[0]
    total = side.total * side.per_weight / side.all_requests
    return "".join(
        f"<td>{escape(cell)}</td>"
        for value in (row.own, row.whole)
        for cell in (amount(value, view.unit), format_percent(value / (total or 1)))
    )


def _with_unit(value: float, unit: str) -> str:
    text = amount(value, unit)
    return text if unit in {"bytes", "ns"} else f"{text} {unit}"
