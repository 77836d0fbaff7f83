"""Content of each chart as plain data in base units. Series are named and numbered by run; colours are not set here."""

import dataclasses

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """A line. `run` is the number of the run in the report; `dashed` tells its second meaning."""

    label: str
    run: int
    x: Floats
    y: Floats
    dashed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class StageSpan:
    """A stage to be shaded."""

    label: str
    start_s: float
    end_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class PercentilePanel:
    """Latency in ns by 1 / (1 - share), which on a log axis spreads the tail as HdrHistogram plots do."""

    title: str
    series: tuple[Series, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class PercentilePlot:
    """Panels that share both axes."""

    panels: tuple[PercentilePanel, ...]
    has_service: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class DistributionPlot:
    """Share of calls by response time; x in ns at the middle of log-equal steps."""

    series: tuple[Series, ...]
    step_ratio: float


@dataclasses.dataclass(frozen=True, slots=True)
class HeatPanel:
    """Share of each time bin's calls by latency row (lowest first), with the median and the tail of each bin.

    `tail` says what the tail is: `p99`, or `max` where the bins hold too few calls for a p99.
    """

    label: str
    run: int
    bin_s: float
    shares: Floats
    p50_ns: Floats
    tail: str
    tail_ns: Floats
    stages: tuple[StageSpan, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class HeatMap:
    """Panels that share the rows from `low_ns` to `high_ns`, equal steps on a log axis."""

    panels: tuple[HeatPanel, ...]
    low_ns: float
    high_ns: float


@dataclasses.dataclass(frozen=True, slots=True)
class RatePanel:
    """Rates per second by time bin; `planned` is None in the closed model."""

    label: str
    run: int
    bin_s: float
    planned: Floats | None
    completed: Floats
    failed: Floats
    dropped: Floats
    stages: tuple[StageSpan, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class RatePlot:
    """Panels that share their axes."""

    panels: tuple[RatePanel, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class InFlightPanel:
    """Mean number of calls in each time bin: in flight, and due but not sent."""

    label: str
    run: int
    bin_s: float
    in_flight: Floats
    waiting: Floats
    stages: tuple[StageSpan, ...]
    users: Floats | None = None
    """Users alive; None where their number does not change."""


@dataclasses.dataclass(frozen=True, slots=True)
class InFlightPlot:
    """Panels that share their axes."""

    panels: tuple[InFlightPanel, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class OverTimePlot:
    """Lines over the time of the run in s; `unit` is `bytes` or `processors`."""

    series: tuple[Series, ...]
    axis: str
    unit: str


@dataclasses.dataclass(frozen=True, slots=True)
class GrowthPanel:
    """A sampled quantity of each run; x in s, y in bytes where `unit` says so, else a number."""

    title: str
    unit: str
    series: tuple[Series, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class GrowthPlot:
    """Panels, each with its own scale."""

    panels: tuple[GrowthPanel, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class BarGroup:
    """One quantity in all runs; None where a run lacks it."""

    label: str
    values: tuple[float | None, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class BarPlot:
    """Values by group and run."""

    runs: tuple[str, ...]
    groups: tuple[BarGroup, ...]
    axis: str


@dataclasses.dataclass(frozen=True, slots=True)
class SplitBar:
    """One bar of the time split: (part, ns) in order."""

    label: str
    parts: tuple[tuple[str, float], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class SplitPanel:
    """Bars on one scale."""

    title: str
    bars: tuple[SplitBar, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class SplitPlot:
    """Panels, each with its own scale."""

    panels: tuple[SplitPanel, ...]
    labels: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class LoadPlot:
    """Response in ns against the achieved rate per second, one point for each time bin."""

    series: tuple[Series, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class IntervalRow:
    """A relative change with its interval; `is_clear` where the interval excludes zero."""

    label: str
    value: float
    low: float
    high: float
    text: str
    is_clear: bool


@dataclasses.dataclass(frozen=True, slots=True)
class IntervalPlot:
    """Changes one above the other, in the order given."""

    rows: tuple[IntervalRow, ...]
    axis: str


@dataclasses.dataclass(frozen=True, slots=True)
class CapacityPoint:
    """Result of one probe at a rate; `sight` is `held`, `broke` or `not settled`."""

    rate_per_s: float
    value: float
    sight: str


@dataclasses.dataclass(frozen=True, slots=True)
class CapacityPlot:
    """A metric against the rate; `unit` is `ns` or `share`. The answer lies between `held_per_s` and `broke_per_s`."""

    points: tuple[CapacityPoint, ...]
    metric: str
    unit: str
    limit: float | None
    held_per_s: float | None
    broke_per_s: float | None


Plot = (
    PercentilePlot
    | DistributionPlot
    | HeatMap
    | RatePlot
    | InFlightPlot
    | OverTimePlot
    | GrowthPlot
    | BarPlot
    | SplitPlot
    | LoadPlot
    | IntervalPlot
    | CapacityPlot
)


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """A plot with its `title`, and a `caption` that explains how to read it."""

    key: str
    title: str
    caption: str
    plot: Plot
