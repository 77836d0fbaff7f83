"""A search for capacity as one HTML file: the answer, the plot, the probes."""

from markupsafe import Markup

from reports.capacity.model import CapacityView
from reports.charts import figures
from reports.shared import page


def render_capacity_html(view: CapacityView) -> str:
    """Return the whole page; every text is escaped by the templates of `reports.shared.page`."""
    return page.render(
        "capacity.html.j2",
        page.Assets(("report.css", "session.css")),
        view=view,
        charts={chart.key: chart for chart in view.charts},
        # Drawn by matplotlib, which escapes text.
        drawings={chart.key: (Markup(figures.draw(chart).svg), Markup("[]")) for chart in view.charts},  # noqa: S704
    )
