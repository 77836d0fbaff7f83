"""Render a profile-only run as one HTML file; its tables need no script."""

import re

from markupsafe import Markup

from reports.flame.html import assets
from reports.flame.html import render as render_flame
from reports.profile.model import ProfileReport
from reports.shared import page

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def render(view: ProfileReport) -> str:
    """Return the whole page; texts are escaped by the templates, those of graphs by the flame module."""
    flame_assets = assets() if view.graphs else ""
    return page.render(
        "profile.html.j2",
        page.Assets(own_scripts=_SCRIPT.findall(flame_assets)),
        view=view,
        graphs=[Markup(render_flame(graph)) for graph in view.graphs],  # noqa: S704 - the flame module escapes names
        flame_assets=Markup(flame_assets),  # noqa: S704 - our own files
    )
