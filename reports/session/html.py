"""Render a session as one HTML file: verdict, tables and plots, readable without scripts, network or colour."""

from reports.session.model import SessionView
from reports.shared import page

_OPEN_AT_MOST = 12


def render_html(view: SessionView) -> str:
    """Return the whole page; every text is escaped by the templates of `reports.shared.page`."""
    return page.render(
        "session.html.j2",
        page.Assets(("report.css", "session.css")),
        view=view,
        opened=_opened(view),
    )


def _opened(view: SessionView) -> frozenset[str]:
    """Return the keys of the lines with open details: the first of those that need action."""
    urgent = [line.key for line in view.lines if line.word in {"regressed", "invalid", "inconclusive"}]
    return frozenset(urgent[:_OPEN_AT_MOST])
