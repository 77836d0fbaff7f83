"""The report as one HTML file: no network, nothing that needs a script to be read but the flame graphs.

All text is escaped by the templates. The page also carries a content security policy with the digests of its own
scripts: should a hostile name ever get through as markup, no browser would run it or fetch anything for it.
"""

import base64
import functools
import hashlib
import json
import math
import re
from importlib import resources

import jinja2
from markupsafe import Markup

from harness.units import format_duration
from reports import figures, flame
from reports.charts.data import Chart
from reports.layout import grouped
from reports.model import Cell, ProfileView, ReportView, Tone
from reports.visible import visible

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
TONE_WORDS = {
    Tone.BETTER: "better",
    Tone.WORSE: "worse",
    Tone.DIFFERENT: "differs",
    Tone.SIMILAR: "within noise",
}
# A bar that reaches the edge of a gauge stands for 16 times as much, or for a sixteenth.
_GAUGE_LOG2 = 4.0


def render(view: ReportView) -> str:
    """Return the whole page."""
    page = _environment().get_template("report.html.j2")
    style, script = _asset("report.css"), _asset("report.js") + _asset("readout.js")
    flame_assets = flame.assets() if view.profiles else ""
    scripts = [script, *_SCRIPT.findall(flame_assets)]
    return page.render(
        view=view,
        charts={chart.key: chart for chart in view.charts},
        drawings={chart.key: _drawing(chart) for chart in view.charts},
        flames=[(profile, _flames(profile)) for profile in view.profiles],
        flame_assets=Markup(flame_assets),  # noqa: S704 - our own files
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        digests=" ".join(f"'sha256-{_digest(text)}'" for text in scripts),
    )


def _drawing(chart: Chart) -> tuple[Markup, Markup]:
    """Return a chart's SVG and the data of its readout as JSON that no parser takes for markup."""
    drawing = figures.draw(chart)
    # Drawn by matplotlib, which escapes text, and encoded by us.
    return Markup(drawing.svg), Markup(_json(drawing.readout))  # noqa: S704


def _json(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


_MOMENTS = {"memory-peak"}
"""Profiles of what is held at one moment."""


def _flames(profile: ProfileView) -> list[Markup]:
    """Return one graph of a single side, or one of each later side against the first."""
    first, *others = [(side.label, side.profile, side.requests) for side in profile.sides]
    pairs = [[first, other] for other in others] or [[first]]
    per_request = profile.key not in _MOMENTS
    made = [
        flame.render(flame.flame_view(profile.title, profile.unit, pair, per_request=per_request))
        for pair in pairs
    ]
    return [Markup(fragment) for fragment in made]  # noqa: S704 - the flame module escapes every name


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (resources.files("reports") / "assets" / name).read_text("utf-8")


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["grouped"] = grouped
    environment.filters["duration"] = format_duration
    environment.globals["tone_words"] = TONE_WORDS
    environment.filters["sign"] = _sign
    environment.filters["gauge"] = gauge_place
    return environment


def _sign(cell: Cell) -> str:
    """Return an arrow that says whether the value fell or rose; the word beside it says whether that is good."""
    if cell.tone is Tone.SIMILAR:
        return "≈"
    is_lower = cell.ratio < 1 if cell.ratio is not None else cell.value == 0
    return "▼" if is_lower else "▲"


def gauge_place(ratio: float) -> tuple[float, float]:
    """Return left edge and width, in percent, of a bar that goes from 1 in the middle to `ratio`, both as logarithms."""
    end = 50 + 50 * max(-1.0, min(math.log2(ratio) / _GAUGE_LOG2, 1.0))
    return min(end, 50.0), abs(end - 50)


def _shown(value: object) -> object:
    """Return what a template prints: our own fragments as they are, every other text made visible."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _template(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text("utf-8")
