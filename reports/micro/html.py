"""Render micro-benchmarks as one HTML file without scripts or network access."""

from reports.micro.model import MicroView
from reports.shared import page


def render(view: MicroView) -> str:
    """Return the whole page; every text is escaped by the templates of `reports.shared.page`."""
    return page.render("micro.html.j2", page.Assets(), view=view)
