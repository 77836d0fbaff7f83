"""Send the numbers and the slowest calls of a finished run to an OpenTelemetry collector, by OTLP over HTTP.

Metrics are cumulative from the start to the end of the measured time. Each of the slowest calls is a trace: the response, and in it the
start delay, the queue and the service. If the target got the header `traceparent`, its own spans lie within that service.
Needs `opentelemetry-exporter-otlp-proto-http`, an optional dependency.
"""

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import harness
from harness.clock import NS_PER_S
from harness.errors import HarnessError, UsageError
from harness.export.run_metrics import (
    BOUNDS_NS,
    Kind,
    Labels,
    began_unix_s,
    counts_up_to_bounds,
    ended_unix_s,
    metrics,
    run_labels,
)
from harness.reading.judging import JudgedRun
from harness.reading.parts import SlowCall, slowest_calls
from harness.redaction.visible import shown, visible
from harness.table.histogram import Histogram
from harness.table.traces import part_id

PATHS = {"metrics": "/v1/metrics", "traces": "/v1/traces"}
_TIMEOUT_S = 10.0
_MOST_SAID = 300
_SAMPLED = 1


def require() -> Any:
    """Return OpenTelemetry's SDK; raises a `UsageError` that names the extra where it or the exporter is not installed."""
    try:
        import opentelemetry.exporter.otlp.proto.http
        from opentelemetry import sdk
    except ImportError as error:
        raise UsageError(
            "OTLP needs OpenTelemetry's exporter, which is not installed",
            remedy="Install it: pip install 'asset-harness[otlp]'; or write a file: --format openmetrics",
        ) from error
    del opentelemetry
    return sdk


def send(judged: JudgedRun, endpoint: str) -> list[str]:
    """Send the metrics and the slowest calls of a run to the collector at `endpoint`; return the addresses that took them.

    Raises `HarnessError` if the collector does not take them.
    """
    require()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    to = {kind: f"{endpoint.rstrip('/')}{path}" for kind, path in PATHS.items()}
    with _exporting(OTLPMetricExporter, to["metrics"]) as send_all:
        send_all(_metrics_data(judged))
    if spans := list(_spans(judged)):
        with _exporting(OTLPSpanExporter, to["traces"]) as send_all:
            send_all(spans)
    return list(to.values()) if spans else [to["metrics"]]


@contextlib.contextmanager
def _exporting(kind: Any, address: str) -> Iterator[Callable[[Any], None]]:
    """Yield the function that sends something to `address`; it raises `HarnessError` with the exporter's last words."""
    heard = _Heard()
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(heard)
    before, logger.propagate = logger.propagate, False
    exporter = kind(endpoint=address, timeout=_TIMEOUT_S)

    def send_all(found: Any) -> None:
        if exporter.export(found).name != "SUCCESS":
            raise HarnessError(
                f"The collector did not take the numbers of the run: {shown(heard.last)[:_MOST_SAID]}",
                where=shown(address),
                remedy="Check that a collector with an OTLP/HTTP receiver listens there, usually at port 4318",
            )

    try:
        yield send_all
    finally:
        exporter.shutdown()
        logger.propagate = before
        logger.removeHandler(heard)


class _Heard(logging.Handler):
    """The last message of a log."""

    last = "it gave no reason"

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.last = record.getMessage().rstrip(".")


def _resource(judged: JudgedRun) -> Any:
    from opentelemetry.sdk.resources import Resource

    document = judged.run.document
    return Resource({
        "service.name": visible(document.target),
        "harness.run": judged.run.directory.path.resolve().name,
        "harness.seed": document.seed,
        "harness.validity": str(judged.validity.level),
        **{f"harness.{name}": visible(value) for name, value in run_labels(judged.run).items()},
    })  # fmt: skip


def _scope() -> Any:
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    return InstrumentationScope("harness", harness.__version__)


def _metrics_data(judged: JudgedRun) -> Any:
    from opentelemetry.sdk.metrics import export as sdk

    times = [round(moment_s * NS_PER_S) for moment_s in (began_unix_s(judged.run), ended_unix_s(judged.run))]
    cumulative = sdk.AggregationTemporality.CUMULATIVE

    def data(kind: Kind, points: list[Any]) -> Any:
        if kind is Kind.DISTRIBUTION:
            return sdk.Histogram(points, cumulative)
        return sdk.Sum(points, cumulative, True) if kind is Kind.TOTAL else sdk.Gauge(points)

    found = [
        sdk.Metric(
            metric.name, metric.explanation, metric.unit or "1",
            data(metric.kind, [_point(sdk, labels, times, point) for labels, point in metric.points]),
        )
        for metric in metrics(judged) if metric.points
    ]  # fmt: skip
    return sdk.MetricsData(
        [sdk.ResourceMetrics(_resource(judged), [sdk.ScopeMetrics(_scope(), found, "")], "")]
    )


def _point(sdk: Any, labels: Labels, times: list[int], point: float | Histogram) -> Any:
    attributes = {name: visible(value) for name, value in labels.items()}
    if not isinstance(point, Histogram):
        return sdk.NumberDataPoint(attributes, *times, point)
    up_to = [0, *counts_up_to_bounds(point), point.count]
    counts = [above - below for below, above in itertools.pairwise(up_to)]
    bounds = [bound_ns / NS_PER_S for bound_ns in BOUNDS_NS]
    total, low, high = (value / NS_PER_S for value in (point.total, point.low, point.high))
    return sdk.HistogramDataPoint(attributes, *times, point.count, total, counts, bounds, low, high)


def _spans(judged: JudgedRun) -> Iterator[Any]:
    """Yield the spans of the slowest calls: nothing without the account that places them in time."""
    facts = judged.run.facts
    if facts is None:
        return
    resource, scope = _resource(judged), _scope()
    for call in slowest_calls(judged.run):
        yield from _of_call(call, round(facts.origin_unix_s * NS_PER_S), resource, scope)


def _of_call(call: SlowCall, origin_unix_ns: int, resource: Any, scope: Any) -> Iterator[Any]:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import ReadableSpan

    def context(span_id: str) -> Any:
        return trace.SpanContext(
            int(call.trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=trace.TraceFlags(_SAMPLED)
        )

    def span(name: str, span_id: str, start_ns: int, length_ns: int, **more: Any) -> Any:
        return ReadableSpan(
            name, context(span_id), resource=resource, instrumentation_scope=scope,
            start_time=origin_unix_ns + start_ns, end_time=origin_unix_ns + start_ns + length_ns, **more,
        )  # fmt: skip

    root_id = part_id(call.span_id, "response")
    begun_ns = call.intended_ns
    failed = trace.Status(trace.StatusCode.ERROR, call.outcome)
    yield span(
        visible(call.operation), root_id, begun_ns, call.response_ns,
        kind=trace.SpanKind.CLIENT, attributes={"harness.outcome": call.outcome},
        status=trace.Status(trace.StatusCode.OK) if call.outcome == "completed" else failed,
    )  # fmt: skip
    for part in ("lag_ns", "queue_ns"):
        name = part.removesuffix("_ns")
        yield span(
            name, part_id(call.span_id, name), begun_ns, call.parts_ns[part], parent=context(root_id)
        )  # fmt: skip
        begun_ns += call.parts_ns[part]
    yield span(
        "service", call.span_id, begun_ns, call.intended_ns + call.response_ns - begun_ns, parent=context(root_id),
        attributes={
            f"harness.{part}": length_ns for part, length_ns in call.parts_ns.items() if part not in {"lag_ns", "queue_ns"}
        },
    )  # fmt: skip
