"""Micro-benchmarks as one HTML file: complete without a script or a network."""

from reports import page
from reports.micro.model import MicroView


def render(view: MicroView) -> str:
    """Return the whole page; every text is escaped by the templates of `reports.page`."""
    return page.render("micro.html.j2", page.Assets(), view=view)
