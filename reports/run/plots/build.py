"""Build the charts of runs. A run with withheld latencies only shows its rates."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from harness.reading.timeline import Timeline
from harness.table.histogram import Histogram, bucket_middle
from reports.charts.data import (
    BarGroup,
    BarPlot,
    Chart,
    DistributionPlot,
    Floats,
    HeatMap,
    HeatPanel,
    InFlightPanel,
    InFlightPlot,
    LoadPlot,
    PercentilePanel,
    PercentilePlot,
    RatePanel,
    RatePlot,
    Series,
    StageSpan,
)
from reports.run.plots.bystage import by_stage
from reports.run.plots.growth import growth_charts
from reports.run.plots.server import server_charts
from reports.run.plots.split import split_chart
from reports.run.plots.tails import percentile_series
from reports.run.sides import Side, operation_names

_HEAT_ROWS = 44
_WORST_OPERATIONS = 5
_STEPS_PER_DECADE = 20

Numbered = tuple[int, Side]


def charts(sides: Sequence[Side]) -> tuple[Chart, ...]:
    """Return every chart with content, in reading order. A single run is not named in them."""
    if len(sides) == 1:
        sides = [dataclasses.replace(sides[0], label="")]
    # Calls that returned may all have no time.
    shown = [
        (number, side)
        for number, side in enumerate(sides)
        if not side.withheld and side.histogram("response_ns").count
    ]
    return tuple(chart for chart in _all(sides, shown) if chart is not None)


def _all(sides: Sequence[Side], shown: Sequence[Numbered]) -> Iterator[Chart | None]:
    if shown:
        yield _percentiles(shown)
        yield _distribution(shown)
        yield _heat(shown)
    yield _rates(sides)
    yield _in_flight(sides)
    if shown:
        yield _response_and_service(shown)
        yield split_chart(shown)
        yield _worst_operations(shown)
        yield by_stage(shown)
        yield _load(shown)
    yield _calls(sides)
    yield from server_charts(sides)
    yield from growth_charts(sides)


def _percentiles(shown: Sequence[Numbered]) -> Chart:
    series = tuple(
        percentile_series(side.label, number, side.histogram("response_ns")) for number, side in shown
    )
    return Chart(
        "percentiles",
        "Response time by percentile",
        "All operations, from the intended start. Lower is better; the right end is the slowest call.",
        PercentilePlot((PercentilePanel("", series),)),
    )


def _worst_operations(shown: Sequence[Numbered]) -> Chart | None:
    names = operation_names([side for _, side in shown])
    if len(names) < 2:
        return None

    def worst_ns(name: str) -> int:
        return max(side.histogram("response_ns", name).percentile(0.99) or 0 for _, side in shown)

    panels = []
    for name in sorted(names, key=worst_ns, reverse=True)[:_WORST_OPERATIONS]:
        full = [(number, side, side.histogram("response_ns", name)) for number, side in shown]
        series = tuple(
            percentile_series(side.label, number, part) for number, side, part in full if part.count
        )
        if series:
            panels.append(PercentilePanel(name, series))
    title = "Response time by percentile, by operation"
    if len(names) > _WORST_OPERATIONS:
        title += f": the {_WORST_OPERATIONS} with the longest p99"
    return Chart("operations", title, "All panels share their axes.", PercentilePlot(tuple(panels)))


def _response_and_service(shown: Sequence[Numbered]) -> Chart:
    panels = []
    for number, side in shown:
        response = percentile_series("response", number, side.histogram("response_ns"))
        service = percentile_series("service", number, side.histogram("service_ns"), dashed=True)
        panels.append(PercentilePanel(side.label, (response, service)))
    return Chart(
        "service",
        "Response against service",
        "Service is the time inside the target. The gap to response is waiting to be let in: lag and queue.",
        PercentilePlot(tuple(panels), has_service=True),
    )


def _distribution(shown: Sequence[Numbered]) -> Chart:
    histograms = [side.histogram("response_ns") for _, side in shown]
    edges = _log_edges(histograms, _STEPS_PER_DECADE)
    middle = np.sqrt(edges[:-1] * edges[1:])
    series = []
    for (number, side), histogram in zip(shown, histograms, strict=True):
        counts, _ = np.histogram(_middles(histogram), bins=edges, weights=histogram.counts)
        series.append(Series(side.label, number, middle, counts / histogram.count))
    return Chart(
        "distribution",
        "Distribution of response times",
        f"Share of the calls by response time, in steps of {100 * (edges[1] / edges[0] - 1):.0f} %.",
        DistributionPlot(tuple(series), float(edges[1] / edges[0])),
    )


def _middles(histogram: Histogram) -> Floats:
    return bucket_middle(histogram.buckets).clip(max(histogram.low, 1), None).astype(float)


def _log_edges(histograms: Sequence[Histogram], steps_per_decade: int) -> Floats:
    """Return log-equal edges around all values, at most some 200 of them."""
    low = np.log10(max(min(h.low for h in histograms), 100)) - 0.5 / steps_per_decade
    high = np.log10(max(*(h.high for h in histograms), 101)) + 0.5 / steps_per_decade
    return np.logspace(low, high, max(int((high - low) * steps_per_decade), 4) + 1)


def _heat(shown: Sequence[Numbered]) -> Chart:
    histograms = [side.histogram("response_ns") for _, side in shown]
    # The lowest 0.1 % would stretch the axis over empty rows.
    low_ns = max(min(h.percentile(0.001) or 1 for h in histograms), 100) * 0.9
    high_ns = max(h.high for h in histograms) * 1.1
    edges = np.geomspace(low_ns, high_ns, _HEAT_ROWS + 1)
    panels = tuple(_heat_panel(number, side, edges) for number, side in shown)
    return Chart(
        "heat",
        "Response time over time",
        "Darker: a larger share of the calls that were due in that moment. Lines: median and tail of each moment.",
        HeatMap(panels, float(low_ns), float(high_ns)),
    )


def _heat_panel(number: int, side: Side, edges: Floats) -> HeatPanel:
    timeline = side.run.timeline
    shares = np.zeros((_HEAT_ROWS, len(timeline.response)))
    for column, histogram in enumerate(timeline.response):
        if histogram.count:
            values = _middles(histogram).clip(edges[0], edges[-1])
            shares[:, column] = (
                np.histogram(values, bins=edges, weights=histogram.counts)[0] / histogram.count
            )
    return HeatPanel(
        side.label,
        number,
        timeline.bin_s,
        shares,
        timeline.over_time(0.5),
        *timeline.tail_over_time(),
        stages(side),
    )


def stages(side: Side) -> tuple[StageSpan, ...]:
    """Return the measured stages."""
    spans = side.run.document.plan.spans
    return tuple(StageSpan(span.label, span.start_s, span.end_s) for span in spans if not span.warmup)


def _rates(sides: Sequence[Side]) -> Chart:
    return Chart(
        "rate",
        "Rate over time: planned, completed, failed, dropped",
        "Completed below planned means that answers came late or not at all.",
        RatePlot(tuple(_rate_panel(number, side) for number, side in enumerate(sides))),
    )


def _rate_panel(number: int, side: Side) -> RatePanel:
    timeline = side.run.timeline
    is_open = side.run.document.plan.executor == "open"
    planned = timeline.planned / timeline.bin_s if is_open else None
    return RatePanel(
        side.label,
        number,
        timeline.bin_s,
        planned,
        completed=timeline.completed / timeline.bin_s,
        failed=timeline.failed / timeline.bin_s,
        dropped=timeline.dropped / timeline.bin_s,
        stages=stages(side),
    )


def _in_flight(sides: Sequence[Side]) -> Chart:
    panels = tuple(
        InFlightPanel(
            side.label,
            number,
            timeline.bin_s,
            timeline.in_flight,
            timeline.waiting,
            stages(side),
            users(side, timeline),
        )
        for number, side in enumerate(sides)
        for timeline in [side.run.timeline]
    )
    return Chart(
        "in-flight",
        "Calls in flight over time",
        "Sent and without a response yet, as the mean of each time bin. Where it climbs at a steady rate, calls come faster than they are "
        "answered. Waiting: due, but not yet sent."
        + (
            " Users: those alive, as Locust started and stopped them."
            if any(panel.users is not None for panel in panels)
            else ""
        ),
        InFlightPlot(panels),
    )


def users(side: Side, timeline: Timeline) -> Floats | None:
    """Return the users alive in the middle of each bin of a run that Locust drove; None for any other."""
    locust = side.run.document.locust
    if locust is None or not locust.users:
        return None
    times_s, alive = np.array(locust.users, float).T
    middles_s = timeline.start_s + timeline.bin_s / 2
    return np.where(
        middles_s < times_s[0], 0.0, alive[np.maximum(np.searchsorted(times_s, middles_s, "right") - 1, 0)]
    )


def _load(shown: Sequence[Numbered]) -> Chart | None:
    """Return the chart of response against rate, for plans with different rates."""
    series = []
    for number, side in shown:
        if not _varies(side):
            continue
        timeline = side.run.timeline
        full = np.array([histogram.count > 0 for histogram in timeline.response])
        rate = timeline.completed / timeline.bin_s
        tail, tail_ns = timeline.tail_over_time()
        for label, values, dashed in (("p50", timeline.over_time(0.5), False), (tail, tail_ns, True)):
            series.append(Series(f"{side.label} {label}", number, rate[full], values[full], dashed))
    if not series:
        return None
    return Chart(
        "load",
        "Response time against throughput",
        "One point for each moment of the run. Where it turns upwards, the target is at its limit.",
        LoadPlot(tuple(series)),
    )


def _varies(side: Side) -> bool:
    spans = [span for span in side.run.document.plan.spans if not span.warmup]
    rates = [rate for span in spans for rate in (span.start_rate_per_s, span.end_rate_per_s)]
    return max(rates) > 1.2 * min(rates)


def _calls(sides: Sequence[Side]) -> Chart | None:
    names = sorted({name for side in sides for name in side.backends})
    groups = tuple(
        BarGroup(name, tuple(side.per_request(f"{name}.calls") for side in sides)) for name in names
    )
    if not groups:
        return None
    return Chart(
        "calls",
        "Back-end calls per request",
        "Counted, not sampled: what one request costs each back end.",
        BarPlot(tuple(side.label for side in sides), groups, "calls per request"),
    )
