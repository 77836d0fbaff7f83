"""Render a history as one HTML file that works offline and without scripts."""

from reports.history.model import HistoryView
from reports.shared import page


def render_html(view: HistoryView) -> str:
    """Return the whole page; every text is escaped by the templates of `reports.shared.page`."""
    return page.render("history.html.j2", page.Assets(("report.css", "history.css")), view=view)
