"""The report as one HTML file: no network, nothing that needs a script to be read but the flame graphs.

All text is escaped by the templates. The page also carries a content security policy with the digests of its own
scripts: should a hostile name ever get through as markup, no browser would run it or fetch anything for it.
"""

import base64
import functools
import hashlib
import re
from importlib import resources

import jinja2
from markupsafe import Markup

from harness.units import format_duration
from reports import figures, flame
from reports.layout import grouped
from reports.model import ProfileView, ReportView, Tone

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
TONE_WORDS = {
    Tone.BETTER: "better",
    Tone.WORSE: "worse",
    Tone.DIFFERENT: "differs",
    Tone.SIMILAR: "within noise",
}
_SIGNS = {Tone.BETTER: "▲", Tone.WORSE: "▼", Tone.DIFFERENT: "◆", Tone.SIMILAR: "≈"}


def render(view: ReportView) -> str:
    """Return the whole page."""
    page = _environment().get_template("report.html.j2")
    style, script = _asset("report.css"), _asset("report.js")
    flame_assets = flame.assets() if view.profiles else ""
    scripts = [script, *_SCRIPT.findall(flame_assets)]
    return page.render(
        view=view,
        charts={chart.key: chart for chart in view.charts},
        svgs={chart.key: Markup(figures.svg(chart)) for chart in view.charts},  # noqa: S704 - drawn by us, text escaped
        flames=[(profile, _flames(profile)) for profile in view.profiles],
        flame_assets=Markup(flame_assets),  # noqa: S704 - our own files
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        digests=" ".join(f"'sha256-{_digest(text)}'" for text in scripts),
    )


def _flames(profile: ProfileView) -> list[Markup]:
    """Return one graph of a single side, or one of each later side against the first."""
    first, *others = [(side.label, side.profile, side.requests) for side in profile.sides]
    pairs = [[first, other] for other in others] or [[first]]
    made = [flame.render(flame.flame_view(profile.title, profile.unit, pair)) for pair in pairs]
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
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["grouped"] = grouped
    environment.filters["duration"] = format_duration
    environment.globals["tone_words"] = TONE_WORDS
    environment.globals["signs"] = _SIGNS
    return environment


def _template(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text("utf-8")
