"""An ablation as one HTML file: the sentence, the plot, the tables."""

from markupsafe import Markup

from reports.ablation.model import AblationView
from reports.charts import figures
from reports.shared import page


def render_ablation_html(view: AblationView) -> str:
    """Return the whole page; every text is escaped by the templates of `reports.shared.page`."""
    return page.render(
        "ablation.html.j2",
        page.Assets(("report.css", "session.css")),
        view=view,
        charts={chart.key: chart for chart in view.charts},
        # Drawn by matplotlib, which escapes text.
        drawings={chart.key: (Markup(figures.draw(chart).svg), Markup("[]")) for chart in view.charts},  # noqa: S704
    )
