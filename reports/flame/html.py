"""Render a flame graph as a self-contained HTML fragment; `assets` is the shared style and script of a page.

Without scripts the tables show the same findings as the graph.
"""

import functools
import json
from collections.abc import Sequence
from html import escape
from importlib import resources

from harness.profiles.difference.frames import SAMPLED
from harness.profiles.stacks.frames import frame_path
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.units import format_percent, significant
from reports.flame.difference import FINDINGS, Places, explain, function_cell, table
from reports.flame.model import FlameRow, FlameSide, FlameView
from reports.flame.tree import name_numbers, short_name
from reports.flame.words import amount, slug

_SCRIPTS = (
    "flame_tree.js",
    "flame_words.js",
    "flame_difference.js",
    "flame_drawing.js",
    "flame_export.js",
    "flame.js",
    "flame_tabs.js",
)


_PLUMBING = ("harness/", "locust/", "gevent/", "greenlet/", "asyncio/", "concurrent/futures/", "threading.py")
"""Framework code: the graph folds its frames that only pass calls on."""


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


def _key(view: FlameView) -> str:
    return slug(view.title, [side.label for side in view.sides])


def _tables(view: FlameView) -> str:
    places = Places(view.lines, name_numbers(view.tree))
    if view.changes:
        labels = [side.label for side in view.sides]
        per = "per request of their operation" if view.per_request else "in all"
        requests = view.sides[0].of_operations
        return table(view.changes, labels, view.unit, per, places, requests, is_sampled=view.is_sampled)
    return _table("Top functions by self", view, view.by_self, places, is_open=True) + _table(
        "Top functions by total", view, view.by_total, places, is_open=False
    )


def _data(view: FlameView) -> dict[str, object]:
    """Return the data of the script: each name once, and one entry a node in each column."""
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
    """Return JSON that HTML parsers do not take for markup, nor scripts for a line end."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _what(view: FlameView) -> str:
    """Return the name of the shown quantity; each time has a suitable unit."""
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
        f"{explain(SAMPLED if view.is_sampled else view.unit, view.rounds)} {small}"
    )


def _table(caption: str, view: FlameView, rows: Sequence[FlameRow], places: Places, *, is_open: bool) -> str:
    heads = "".join(
        f'<th scope="col">{escape(head)}</th>' for what in ("own", "whole") for head in (what, "share")
    )
    body = "".join(
        f'<tr><th scope="row">{function_cell(row.frame, places)}</th>{_cells(view, row)}</tr>\n'
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
