"""Build the chart of the tails by stage, for runs with several stages."""

from collections.abc import Sequence

from harness.policy.thresholds import Level
from reports.charts.data import Chart, PercentilePanel, PercentilePlot, Series
from reports.run.plots.tails import percentile_series
from reports.run.sides import Side

_MOST_STAGES = 6


def by_stage(shown: Sequence[tuple[int, Side]]) -> Chart | None:
    """Return response times by stage, in the order of the plan; None where no run has several stages.

    An invalid stage has no line; of many stages the ones with the longest p99 are shown.
    """
    if all(len(side.run.stages) < 2 for _, side in shown):
        return None
    lines: dict[str, list[tuple[int, Side, int]]] = {}
    worst_ns: dict[str, int] = {}
    for number, side in shown:
        for place, stage in enumerate(side.judged.stages):
            response = stage.summary.histograms["response_ns"]
            if stage.validity.level is not Level.INVALID and response.count:
                lines.setdefault(stage.span.label, []).append((number, side, place))
                worst_ns[stage.span.label] = max(
                    worst_ns.get(stage.span.label, 0), response.percentile(0.99) or 0
                )
    kept = sorted(lines, key=lambda label: -worst_ns[label])[:_MOST_STAGES]
    panels = tuple(
        PercentilePanel(label, tuple(_series(*line) for line in lines[label]))
        for label in lines
        if label in kept
    )
    if not panels:
        return None
    title = "Response time by percentile, by stage"
    if len(lines) > _MOST_STAGES:
        title += f": the {_MOST_STAGES} with the longest p99"
    caption = "All panels share their axes. A stage whose own calls are invalid is left out."
    return Chart("by-stage", title, caption, PercentilePlot(panels))


def _series(number: int, side: Side, place: int) -> Series:
    stage = side.judged.stages[place]
    return percentile_series(side.label, number, stage.summary.histograms["response_ns"])
