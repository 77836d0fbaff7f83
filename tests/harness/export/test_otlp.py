"""A finished run by OTLP: a collector reads the numbers and the slowest calls of the run back."""

import sys

import pytest

from harness.export.run_metrics import BOUNDS_NS
from harness.reading.parts import slowest_calls
from harness.reading.summary import load
from tests.support.cli import inside
from tests.support.collector import attributes, collecting
from tests.support.run_builder import make_run

START_NS = 1_760_000_000 * 10**9


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """Return a run and what a collector got of it."""
    path = make_run(tmp_path_factory.mktemp("otlp"), fail_share=0.1)
    with collecting() as collector:
        said = inside(path.parent, "export", path, "--format", "otlp", "--endpoint", collector.url, "--json")
    assert said.code == 0, said.stderr
    addresses = said.document["exports"][0]["sent"]
    assert addresses == [f"{collector.url}/v1/metrics", f"{collector.url}/v1/traces"]
    return load(path), collector


def test_the_metrics_are_those_of_the_run(sent):
    run, collector = sent
    metrics = collector.metrics
    points = metrics["harness.calls"].sum.data_points
    assert metrics["harness.calls"].sum.is_monotonic
    found = {(attributes(one)["operation"], attributes(one)["outcome"]): one.as_double for one in points}
    for name, part in run.operations.items():
        assert {outcome: found[name, outcome] for outcome in part.outcomes} == part.outcomes
    for point in metrics["harness.response"].histogram.data_points:
        response = run.operations[attributes(point)["operation"]].histograms["response_ns"]
        assert (point.count, sum(point.bucket_counts)) == (response.count, response.count)
        assert point.sum == pytest.approx(response.total / 1e9)
        assert (point.min, point.max) == (response.low / 1e9, response.high / 1e9)
        assert list(point.explicit_bounds) == [bound / 1e9 for bound in BOUNDS_NS]
        assert (point.start_time_unix_nano, point.time_unix_nano) == (START_NS, START_NS + 10 * 10**9)
    resource = collector.messages["/v1/metrics"][0].resource_metrics[0].resource
    assert attributes(resource)["service.name"] == "asset-core"
    assert attributes(resource)["harness.validity"] == "valid"


def test_each_of_the_slowest_calls_is_a_trace_whose_parts_fill_it(sent):
    run, collector = sent
    spans = collector.spans
    slowest = slowest_calls(run)
    roots = [one for one in spans if not one.parent_span_id]
    assert [one.trace_id.hex() for one in roots] == [call.trace_id for call in slowest]
    assert len({one.span_id for one in spans}) == len(spans) == 4 * len(slowest)
    for root, call in zip(roots, slowest, strict=True):
        assert root.name == call.operation
        assert root.start_time_unix_nano == START_NS + call.intended_ns
        assert root.end_time_unix_nano - root.start_time_unix_nano == call.response_ns
        lag, queue, service = [one for one in spans if one.parent_span_id == root.span_id]
        assert [lag.name, queue.name, service.name] == ["lag", "queue", "service"]
        assert service.span_id.hex() == call.span_id
        moments = [(one.start_time_unix_nano, one.end_time_unix_nano) for one in (lag, queue, service)]
        assert moments[0][0] == root.start_time_unix_nano
        assert moments[0][1] == moments[1][0]
        assert moments[1][1] == moments[2][0]
        assert moments[2][1] == root.end_time_unix_nano
        assert {one.trace_id for one in (lag, queue, service)} == {root.trace_id}
        assert root.status.code == (1 if call.outcome == "completed" else 2)


def test_without_the_exporter_the_extra_is_named_before_anything_is_sent(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    said = inside(
        tmp_path, "export", make_run(tmp_path), "--format", "otlp", "--endpoint", "http://127.0.0.1:9"
    )
    assert (said.code, "pip install 'asset-harness[otlp]'" in said.error) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--format", "otlp"], "needs a collector"),
        (["--format", "otlp", "--endpoint", "127.0.0.1:4318"], "is not the URL of a collector"),
        (["--format", "csv", "--endpoint", "http://127.0.0.1:9"], "applies to --format otlp"),
    ],
)
def test_what_cannot_be_sent_is_refused(tmp_path, monkeypatch, words, says):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    said = inside(tmp_path, "export", make_run(tmp_path), *words)
    assert (said.code, says in said.error) == (2, True)


def test_the_address_may_stand_in_the_environment(tmp_path):
    with collecting() as collector:
        path = make_run(tmp_path, facts=False)
        said = inside(tmp_path, "export", path, "--format", "otlp", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    # Without the account of its process, a run is invalid, and nothing places its calls in time.
    assert said.code == 5
    assert "harness.calls" in collector.metrics
    assert collector.spans == []


def test_a_collector_that_refuses_is_named(tmp_path):
    with collecting() as collector:
        collector.status = 400
        said = inside(tmp_path, "export", make_run(tmp_path), "--format", "otlp", "--endpoint", collector.url)
    assert said.code == 1
    assert said.error.startswith("The collector did not take the numbers of the run: ")
    assert "400" in said.error
    assert f"({collector.url}/v1/metrics)" in said.error
    # The log of the exporter is not repeated.
    assert said.stderr == f"harness: {said.error}\n"
