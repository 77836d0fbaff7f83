"""Render an index as one HTML file; its search works offline, and without scripts the whole list is shown."""

from reports.index.model import IndexView
from reports.shared import page


def render_html(view: IndexView) -> str:
    """Return the whole page; every text is escaped by the templates of `reports.shared.page`."""
    return page.render(
        "index.html.j2", page.Assets(("report.css", "index.css"), ("report.js", "index.js")), view=view
    )
