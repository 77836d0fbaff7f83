"""An ablation as Markdown: a table for a README, and every row folded below it."""

from reports.ablation.model import AblationView
from reports.shared import markdown


def render_ablation_markdown(view: AblationView, *, every_row: bool = False) -> str:
    """Return the sentence and the table of switches; with `every_row` also all measured rows, folded."""
    parts = [markdown.prose(view.sentence), markdown.table(view.summary)]
    if every_row:
        title = markdown.prose(view.table.title)
        parts += [f"<details><summary>{title}</summary>", markdown.table(view.table), "</details>"]
    return "\n\n".join(parts) + "\n"
