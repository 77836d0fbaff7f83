"""Render pages from escaping templates, with styles, scripts and a policy that allows only those scripts."""

import base64
import dataclasses
import functools
import hashlib
import math
from collections.abc import Sequence
from importlib import resources

import jinja2
from markupsafe import Markup

from harness.units import format_duration
from reports.shared.layout import grouped
from reports.shared.model import Cell, Tone
from reports.shared.visible import visible

_TONE_WORDS = {
    Tone.BETTER: "better",
    Tone.WORSE: "worse",
    Tone.SIMILAR: "below detection limit",
}
# A bar that reaches the edge of a gauge means a factor of 16, or a sixteenth.
_GAUGE_LOG2 = 4.0


@dataclasses.dataclass(frozen=True, slots=True)
class Assets:
    """Files of `assets/` that a page carries, and scripts that its own content brings."""

    styles: tuple[str, ...] = ("report.css",)
    scripts: tuple[str, ...] = ("report.js",)
    own_scripts: Sequence[str] = ()


def render(template: str, assets: Assets, **values: object) -> str:
    """Return the page of a template, with every text in `values` escaped.

    The page carries a content security policy with the digests of its scripts: should a hostile name ever become
    markup, browsers would not run it or fetch anything for it.
    """
    script = "".join(map(_asset, assets.scripts))
    return _environment().get_template(template).render(
        style=Markup("".join(map(_asset, assets.styles))),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704 - our own files
        digests=" ".join(f"'sha256-{_digest(text)}'" for text in (script, *assets.own_scripts)),
        **values,
    )  # fmt: skip


def gauge_place(ratio: float) -> tuple[float, float]:
    """Return left edge and width, in percent, of a bar that goes from 1 in the middle to `ratio`, both as logarithms."""
    end = 50 + 50 * max(-1.0, min(math.log2(ratio) / _GAUGE_LOG2, 1.0))
    return min(end, 50.0), abs(end - 50)


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
    environment.globals["tone_words"] = _TONE_WORDS
    environment.filters["sign"] = _sign
    environment.filters["gauge"] = gauge_place
    return environment


def _sign(cell: Cell) -> str:
    """Return an arrow for the direction of the change; the word beside it states if it is good."""
    if cell.tone is Tone.SIMILAR:
        return "≈"
    is_lower = cell.ratio < 1 if cell.ratio is not None else cell.value == 0
    return "▼" if is_lower else "▲"


def _shown(value: object) -> object:
    """Return the value for a template: our own fragments unchanged, every other text made visible."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _template(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text("utf-8")


def _asset(name: str) -> str:
    return (resources.files("reports") / "assets" / name).read_text("utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
