"""Render the report as one HTML file without network access; only the flame graphs need a script.

All text is escaped by the templates of `reports.shared.page`.
"""

import json
import re
from collections.abc import Sequence

from markupsafe import Markup

from reports.charts import figures
from reports.charts.data import Chart
from reports.flame.html import assets
from reports.flame.html import render as render_flame
from reports.flame.model import FlameView
from reports.flame.view import flame_view
from reports.run.model import ProfileView, ReportView
from reports.shared import page

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def render(view: ReportView) -> str:
    """Return the whole page."""
    flame_assets = assets() if view.profiles else ""
    return page.render(
        "report.html.j2",
        page.Assets(("report.css",), ("report.js", "readout.js"), _SCRIPT.findall(flame_assets)),
        view=view,
        charts={chart.key: chart for chart in view.charts},
        drawings={chart.key: _drawing(chart) for chart in view.charts},
        flames=[(profile, _flames(profile)) for profile in view.profiles],
        flame_assets=Markup(flame_assets),  # noqa: S704 - our own files
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
"""Profiles of one moment."""


def _flames(profile: ProfileView) -> list[Markup]:
    """Return one graph of a single side, or one of each later side against the first."""
    first, *others = profile.sides
    pairs = [[first, other] for other in others] or [[first]]
    made = [render_flame(_view(profile, labels)) for labels in pairs]
    return [Markup(fragment) for fragment in made]  # noqa: S704 - the flame module escapes every name


def _view(profile: ProfileView, labels: Sequence[str]) -> FlameView:
    sides = [profile.sides[label] for label in labels]
    scales = [side.ns_per_sample for side in sides if side.ns_per_sample]
    return flame_view(
        profile.title,
        profile.unit,
        [(label, side.profile, side.requests) for label, side in zip(labels, sides, strict=True)],
        per_request=profile.key not in _MOMENTS,
        ns_per_sample=scales if len(scales) == len(sides) else (),
    )
