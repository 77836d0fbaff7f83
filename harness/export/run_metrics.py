"""The numbers of a finished run as metrics: the one list behind OpenMetrics and OTLP.

Names are in OpenTelemetry's form, `harness.response`; OpenMetrics writes them its own way. Times are in seconds. The bounds of the
histograms are bounds of the stored ones, so their counts are exact.
"""

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterator, Mapping

import numpy as np

from harness.clock import NS_PER_S
from harness.policy.thresholds import Level
from harness.reading.engines import engine_of
from harness.reading.judging import JudgedRun
from harness.reading.summary import RunSummary
from harness.table.histogram import PERCENTILES, Histogram, bucket_of
from harness.table.latency import METRICS

BOUNDS_NS = tuple(2**power - 1 for power in range(10, 38))
"""Upper bounds of the histograms' buckets, inclusive: from 1 µs to 137 s."""
Labels = Mapping[str, str]


class Kind(enum.Enum):
    """The kinds of metrics. The points of a distribution are histograms, those of all others are numbers."""

    TOTAL = enum.auto()
    GAUGE = enum.auto()
    DISTRIBUTION = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """One metric with its points by labels; `unit` is `s` or empty."""

    name: str
    kind: Kind
    explanation: str
    points: tuple[tuple[Labels, float | Histogram], ...]
    unit: str = ""


def run_labels(run: RunSummary) -> dict[str, str]:
    """Return what names the run and stays the same when it is repeated; an empty value has no label."""
    document = run.document
    names = {
        "scenario": document.scenario,
        "target": document.target,
        "variant": document.variant,
        "engine": str(engine_of(run)),
    }
    return {name: value for name, value in names.items() if value}


def began_unix_s(run: RunSummary) -> float:
    """Return the start of the measured time; where the measured process left no account, that of the command."""
    if run.facts:
        return run.facts.origin_unix_s
    return dt.datetime.fromisoformat(run.document.started_at).timestamp()


def ended_unix_s(run: RunSummary) -> float:
    """Return the end of the measured time."""
    return began_unix_s(run) + run.measured_s


def counts_up_to_bounds(histogram: Histogram) -> list[int]:
    """Return for each of `BOUNDS_NS` the number of values up to it, exactly."""
    places = np.searchsorted(histogram.buckets, bucket_of(np.array(BOUNDS_NS, np.int64) + 1))
    below = np.concatenate([[0], np.cumsum(histogram.counts)])
    return [int(count) for count in below[places]]


def metrics(judged: JudgedRun) -> Iterator[Metric]:
    """Yield the metrics of a run. A percentile with too few calls has no point."""
    run, level = judged.run, judged.validity.level
    parts = run.operations.items()
    yield Metric(
        "harness.validity", Kind.GAUGE, "Validity of the numbers of the run: 1 at the level that it has",
        tuple(({"level": str(one)}, float(one is level)) for one in Level),
    )  # fmt: skip
    yield Metric(
        "harness.calls", Kind.TOTAL, "Planned calls of the measured time by their end",
        tuple(
            ({"operation": name, "outcome": outcome}, float(count))
            for name, part in parts for outcome, count in part.outcomes.items()
        ),
    )  # fmt: skip
    yield Metric(
        "harness.response", Kind.DISTRIBUTION, "Time from the intended start of a call to its end",
        tuple(({"operation": name}, part.histograms["response_ns"]) for name, part in parts), "s",
    )  # fmt: skip
    yield Metric(
        "harness.service", Kind.DISTRIBUTION, "Time from the entry into the target to the end of a call",
        tuple(({"operation": name}, part.histograms["service_ns"]) for name, part in parts), "s",
    )  # fmt: skip
    yield Metric(
        "harness.quantile", Kind.GAUGE, "Percentiles of the parts of the response time, where enough calls support them",
        tuple(_quantiles(run)), "s",
    )  # fmt: skip
    yield Metric("harness.measured", Kind.GAUGE, "Measured time", (({}, run.measured_s),), "s")
    yield Metric(
        "harness.throughput", Kind.GAUGE, "Completed calls per second of the measured time", (({}, run.throughput_per_s),)
    )  # fmt: skip
    yield Metric(
        "harness.target", Kind.TOTAL, "Counters of the target in the measured time",
        tuple(
            ({"operation": name, "counter": counter}, float(total))
            for name, counters in run.counters.items() for counter, total in counters.items()
        ),
    )  # fmt: skip


def _quantiles(run: RunSummary) -> Iterator[tuple[Labels, float]]:
    for name, part in run.operations.items():
        for metric in METRICS:
            for share in PERCENTILES.values():
                value_ns = part.histograms[metric].supported_percentile(share)
                if value_ns is not None:
                    labels = {
                        "operation": name, "part": metric.removesuffix("_ns"), "quantile": repr(share)
                    }  # fmt: skip
                    yield labels, value_ns / NS_PER_S
