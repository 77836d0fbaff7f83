"""Build the first tables of a report: the runs side by side, and the largest changes between them."""

import math
from collections.abc import Sequence

from harness.reading.comparing import COUNT_CAUTION, Better
from harness.reading.served import error_share, planned_rate, unserved_share
from harness.table.histogram import PERCENTILES
from harness.units import format_bytes, format_ns, format_percent, format_rate, significant
from reports.run.metrics import Metric, cells, rows
from reports.run.sides import Side, heads, operation_names
from reports.shared.model import Row, Table, Tone
from reports.shared.ratios import FASTER, FEWER

FEW_CALLS = "too few calls stand behind this percentile"
INTERVAL = "the interval (95 %) of a percentile beyond which fewer than ten calls lie"
_REPEATS = {"Response p95", "Response p99.9", "Response max", "Service p50"}
# From or to nothing there is no factor: errors come first then, counts that appear last.
_SIZE_WITHOUT_RATIO = {"Errors": math.inf, "Not completed": math.inf}
_PROFILE_NUMBERS = (
    ("allocations", "Allocations per request", significant, True),
    ("peak_bytes", "Peak memory (memray)", format_bytes, False),
)


def latency_metric(metric: str, name: str, label: str, operation: str | None = None) -> Metric:
    """Return p50 to p999, max or mean of a time."""

    def value(side: Side) -> float | None:
        summary = side.summary(operation)
        return summary.percentiles(metric)[name] if summary else None

    return Metric(label, value, format_ns, latency=True, missing=FEW_CALLS, words=FASTER)


def service_metrics(sides: Sequence[Side]) -> list[Metric]:
    """Return the median of service, and beside it that of the time to the first byte, where a side knows it."""
    metrics = [latency_metric("service_ns", "p50", "Service p50")]
    if any(side.run.total.histograms["first_byte_ns"].count for side in sides):
        metrics.append(latency_metric("first_byte_ns", "p50", "First byte p50"))
    return metrics


def errors(side: Side) -> float | None:
    """Return the share of the calls that failed, of those that returned."""
    return error_share(side.run)


def unserved(side: Side) -> float | None:
    """Return the share of the plan without a response."""
    return unserved_share(side.run)


def throughput(side: Side) -> float | None:
    """Return completed calls per second of measured time."""
    return side.run.throughput_per_s


def comparison(sides: Sequence[Side], *, ratios: bool) -> Table:
    """Return the most important metrics, with runs as columns."""
    return Table(
        "comparison",
        "The runs side by side" if len(sides) > 1 else "The run in figures",
        heads(sides),
        rows(sides, _metrics(sides), ratios=ratios),
        "Metric",
    )


def _metrics(sides: Sequence[Side]) -> list[Metric]:
    rate = Metric(
        "Target rate", lambda side: planned_rate(side.run), format_rate, Better.NEITHER, COUNT_CAUTION
    )
    achieved = Metric(
        "Throughput",
        throughput,
        format_rate,
        Better.HIGHER,
        COUNT_CAUTION,
        hint="completed calls by measured time",
    )
    response = [
        latency_metric("response_ns", name, f"Response {percentile_label(name)}")
        for name in ("p50", "p95", "p99", "p999", "max")
    ]
    return [
        rate,
        achieved,
        *response,
        *service_metrics(sides),
        Metric(
            "Errors",
            errors,
            format_percent,
            caution=COUNT_CAUTION,
            hint="failed or timed out, of returned",
        ),
        Metric(
            "Not completed",
            unserved,
            format_percent,
            caution=COUNT_CAUTION,
            hint="dropped, unfinished or never started, of planned",
        ),
        *call_metrics(sides),
        *cache_metrics(sides),
        *_profile_metrics(),
    ]


def percentile_label(name: str) -> str:
    """Return `p99.9` for `p999`."""
    return f"p{PERCENTILES[name] * 100:g}" if name in PERCENTILES else name


def call_metrics(sides: Sequence[Side]) -> list[Metric]:
    """Return the calls per request of each back end that any run counted."""
    names = sorted({name for side in sides for name in side.backends})
    return [
        Metric(
            f"{name} calls per request",
            lambda side, name=name: side.per_request(f"{name}.calls"),  # type: ignore[misc]
            significant,
            caution=COUNT_CAUTION,
            missing="the target counted nothing",
            words=FEWER,
        )
        for name in names
    ]


def cache_levels(sides: Sequence[Side]) -> list[str]:
    """Return the cache levels used by any run: `l1`, `l2`."""
    names = {name.split(".")[1] for side in sides for name in side.counter_names if _is_lookup(name)}
    return sorted(names)


def _is_lookup(name: str) -> bool:
    return name.startswith("cache.") and name.endswith((".hit", ".miss")) and name.count(".") == 2


def hit_share(side: Side, level: str) -> float | None:
    """Return the hit share of a cache level; None without lookups."""
    hits, misses = side.counter(f"cache.{level}.hit"), side.counter(f"cache.{level}.miss")
    return hits / (hits + misses) if hits + misses else None


def cache_metrics(sides: Sequence[Side]) -> list[Metric]:
    """Return the share of hits of each cache level."""
    return [
        Metric(
            f"{level.upper()} cache hits",
            lambda side, level=level: hit_share(side, level),  # type: ignore[misc]
            format_percent,
            Better.HIGHER,
            COUNT_CAUTION,
            hint="of lookups in this level",
            missing="nothing was looked up in this level",
        )
        for level in cache_levels(sides)
    ]


def profile_number(side: Side, name: str, *, per_request: bool) -> float | None:
    """Return a figure of the memory profile, with `per_request` by profiled request."""
    profile = side.run.document.profiles.memory
    value = getattr(profile.facts, name) if profile else None
    if profile is None or value is None:
        return None
    requests = sum(profile.requests.values())
    if not per_request:
        return float(value)
    return value / requests if requests else None


def _profile_metrics() -> list[Metric]:
    return [
        Metric(
            label,
            lambda side, name=name, each=each: profile_number(side, name, per_request=each),  # type: ignore[misc]
            text,
            caution=COUNT_CAUTION,
        )
        for name, label, text, each in _PROFILE_NUMBERS
    ]


def changes(sides: Sequence[Side]) -> Table:
    """Return the changes beyond the caution factor against the first run, the largest factor first."""
    found: list[tuple[float, Row]] = []
    for other in sides[1:]:
        pair = (sides[0], other)
        for group, metric in _compared(pair):
            before, after = cells(pair, metric)
            if after.tone in {Tone.BETTER, Tone.WORSE, Tone.DIFFERENT}:
                size = (
                    abs(math.log(after.ratio)) if after.ratio else _SIZE_WITHOUT_RATIO.get(metric.label, 0.0)
                )
                row = Row(
                    metric.label, (before, after), group=group, hint=other.label if len(sides) > 2 else ""
                )
                found.append((size, row))
    found.sort(key=lambda item: -item[0])
    return Table(
        "changes",
        "What changed, the largest factor first",
        (sides[0].label, sides[1].label if len(sides) == 2 else "the other run"),
        tuple(row for _, row in found[:20]),
        "What",
    )


def _compared(pair: Sequence[Side]) -> list[tuple[str, Metric]]:
    """Return the metrics worth a line: not every percentile, since one change moves them all."""
    chosen = [("all operations", metric) for metric in _metrics(pair) if metric.label not in _REPEATS]
    names = operation_names(pair)
    for name in names if len(names) > 1 else []:
        chosen += [
            (name, latency_metric("response_ns", share, f"Response {share}", name))
            for share in ("p50", "p99")
        ]
    return chosen
