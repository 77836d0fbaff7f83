"""Flame graphs: one profile, or two side by side, as an HTML fragment that needs nothing from anywhere.

`flame_view` decides what is shown, `render` writes it, and `assets` is the one style and script of a page. The
table says without scripts what the graph says with them. Nothing here tells whether a difference is significant.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources

from harness.marker import MARKER_PREFIX
from harness.profiles.folded import Profile
from harness.profiles.frames import frame_path
from harness.units import format_bytes, format_ns, significant
from reports.flame_tree import Tree, build_tree, short_name

_ROWS = 20

Requests = int | Mapping[str, int]
"""How many requests a profile covers: of all operations together, or of each."""


@dataclasses.dataclass(frozen=True, slots=True)
class FlameSide:
    """One profile as the view needs it; `requests` has the key "" for all operations together."""

    label: str
    total: float
    requests: Mapping[str, int]

    @property
    def all_requests(self) -> int:
        """Requests of all operations together; at least 1, so that it can divide."""
        return max(self.requests[""], 1)


@dataclasses.dataclass(frozen=True, slots=True)
class FlameRow:
    """One function of the table; for each side its own weight and its whole weight, per request."""

    function: str
    path: str
    line: int | None
    values: tuple[tuple[float, float], ...]


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

    @property
    def is_empty(self) -> bool:
        """True if no side has a stack."""
        return not self.tree.nodes


def flame_view(
    title: str, unit: str, sides: Sequence[tuple[str, Profile, Requests]], *, per_request: bool = True
) -> FlameView:
    """Return the view of one or two `(label, profile, requests)`, the baseline first.

    Weights are shown per request, or as they are if `per_request` is false (a peak). `unit` is `samples`, `allocations`, `bytes` or `ns`. Raises ValueError for any other number of sides.
    """
    if len(sides) not in {1, 2}:
        raise ValueError(f"a flame graph has one side or two, not {len(sides)}")
    shown = tuple(
        FlameSide(label, profile.total, _requests(count) if per_request else {"": 1})
        for label, profile, count in sides
    )
    profiles = [profile for _, profile, _ in sides]
    tree = build_tree(profiles)
    rows = _rows(profiles, shown)
    lines = {name: line for profile in profiles for name, line in profile.lines.items()}
    names = {node.name for node in tree.nodes}
    return FlameView(
        title=title,
        unit=unit,
        sides=shown,
        tree=tree,
        lines={name: line for name, line in lines.items() if name in names},
        by_self=_top(rows, 0),
        by_total=_top(rows, 1),
        per_request=per_request,
    )


def render(view: FlameView) -> str:
    """Return an HTML fragment; the page must hold `assets()` once, and should define the six CSS colours."""
    title = escape(view.title)
    if view.is_empty:
        return (
            f'<figure class="flame"><figcaption>{title}</figcaption><p>No stack was recorded.</p></figure>\n'
        )
    return (
        f'<figure class="flame" aria-label="{title}"><figcaption>{title}</figcaption>\n'
        f'<p class="flame-facts">{_facts(view)}</p>\n'
        f'<div class="flame-graph"></div>\n'
        f'<script type="application/json" class="flame-data">{_json(_data(view))}</script>\n'
        f'<p class="flame-legend">{_legend(view)}</p>\n'
        f"{_table('Top functions by their own weight', view, view.by_self, is_open=True)}"
        f"{_table('Top functions by their whole weight', view, view.by_total, is_open=False)}"
        "</figure>\n"
    )


@functools.cache
def assets() -> str:
    """Return the style and the script that all flame graphs of one page share."""
    folder = resources.files("reports") / "assets"
    style, script = (folder / "flame.css").read_text("utf-8"), (folder / "flame.js").read_text("utf-8")
    return f"<style>\n{style}</style>\n<script>\n{script}</script>\n"


def _requests(count: Requests) -> dict[str, int]:
    return {"": count} if isinstance(count, int) else {"": sum(count.values()), **count}


def _rows(profiles: Sequence[Profile], sides: Sequence[FlameSide]) -> list[FlameRow]:
    """Return a row for each function of any side; roots are not functions."""
    functions = [profile.functions() for profile in profiles]
    names = {name for found in functions for name in found if frame_path(name)}
    return [
        FlameRow(
            function=short_name(name.removesuffix(f" ({frame_path(name)})")),
            path=short_name(frame_path(name)),
            line=next((profile.lines[name] for profile in profiles if name in profile.lines), None),
            values=tuple(
                (own / side.all_requests, whole / side.all_requests)
                for side, found in zip(sides, functions, strict=True)
                for own, whole in [found.get(name, (0, 0))]
            ),
        )
        for name in names
    ]


def _top(rows: Sequence[FlameRow], which: int) -> tuple[FlameRow, ...]:
    ranked = sorted(
        rows, key=lambda row: (-max(value[which] for value in row.values), row.path, row.function)
    )
    return tuple(row for row in ranked[:_ROWS] if any(value[which] for value in row.values))


def _data(view: FlameView) -> dict[str, object]:
    """Return what the script draws: names once, and one entry a node in each column."""
    names = {name: number for number, name in enumerate(dict.fromkeys(node.name for node in view.tree.nodes))}
    return {
        "unit": view.unit,
        "per": _per(view),
        "sides": [
            {"label": side.label, "total": _short(side.total), "requests": side.requests}
            for side in view.sides
        ],
        "marker": MARKER_PREFIX,
        "names": [short_name(name) for name in names],
        "lines": [view.lines.get(name, 0) for name in names],
        "name": [names[node.name] for node in view.tree.nodes],
        "depth": [node.depth for node in view.tree.nodes],
        "weights": [
            [_short(node.weights[side]) for node in view.tree.nodes] for side in range(len(view.sides))
        ],
    }


def _short(weight: float) -> float:
    return int(weight) if weight == int(weight) else float(f"{weight:.6g}")


def _json(data: object) -> str:
    """Return JSON that no HTML parser can take for markup, and no script for a line's end."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _per(view: FlameView) -> str:
    return "per request" if view.per_request else "in all"


def _facts(view: FlameView) -> str:
    if not view.per_request:
        return " · ".join(
            f"{escape(side.label)}: {escape(_with_unit(side.total, view.unit))} in all" for side in view.sides
        )
    return " · ".join(
        f"{escape(side.label)}: {escape(_with_unit(side.total, view.unit))}"
        f" in {side.all_requests:,} requests,"
        f" {escape(_with_unit(side.total / side.all_requests, view.unit))} per request"
        for side in view.sides
    )


def _legend(view: FlameView) -> str:
    small = (
        f"Frames under {significant(view.tree.least_share * 100)} % of the whole are merged into (other)."
        " Colour tells packages apart and means nothing else."
    )
    if len(view.sides) == 1:
        return f"Width: {escape(view.unit)}, a caller above what it calls. {small}"
    before, after = (escape(side.label) for side in view.sides)
    return (
        f'<span class="flame-key flame-key-after"></span>upper bar: {after}, '
        f'<span class="flame-key flame-key-before"></span>lower bar: {before}, both {_per(view)};'
        " a frame has room for the larger side of all that stands on it. "
        f"<strong>Differences are not tested for significance.</strong> {small}"
    )


def _table(caption: str, view: FlameView, rows: Sequence[FlameRow], *, is_open: bool) -> str:
    heads = "".join(
        f'<th scope="col">{escape(head)}</th>' for what in ("own", "whole") for head in _heads(view, what)
    )
    body = "".join(
        f'<tr><th scope="row"><code>{escape(row.function)}</code> <span class="flame-path">'
        f"{escape(row.path)}{f':{row.line}' if row.line else ''}</span></th>{_cells(view, row)}</tr>\n"
        for row in rows
    )
    return (
        f"<details{' open' if is_open else ''}><summary>{caption}, {escape(view.unit)} {_per(view)}</summary>\n"
        f'<div class="flame-table"><table><thead><tr><th scope="col">function</th>{heads}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div></details>\n"
    )


def _heads(view: FlameView, what: str) -> list[str]:
    if len(view.sides) == 1:
        return [what, "share"]
    return [*(f"{what}, {side.label}" for side in view.sides), "change"]


def _cells(view: FlameView, row: FlameRow) -> str:
    return "".join(
        f"<td>{escape(cell)}</td>"
        for which in (0, 1)
        for cell in _numbers(view, [value[which] for value in row.values])
    )


def _numbers(view: FlameView, values: Sequence[float]) -> list[str]:
    if len(values) == 1:
        side = view.sides[0]
        return [
            _amount(values[0], view.unit),
            f"{100 * values[0] * side.all_requests / (side.total or 1):.1f} %",
        ]
    change = values[1] - values[0]
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    return [*(_amount(value, view.unit) for value in values), f"{sign}{_amount(abs(change), view.unit)}"]


def _amount(value: float, unit: str) -> str:
    scaled = {"bytes": format_bytes, "ns": format_ns}
    return scaled[unit](value) if unit in scaled else significant(value)


def _with_unit(value: float, unit: str) -> str:
    amount = _amount(value, unit)
    return amount if unit in {"bytes", "ns"} else f"{amount} {unit}"
