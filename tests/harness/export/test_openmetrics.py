"""A finished run as OpenMetrics: Prometheus's own parser reads the numbers of the run back."""

import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from harness.export.openmetrics import as_openmetrics
from harness.export.run_metrics import BOUNDS_NS, counts_up_to_bounds
from harness.reading.judging import judge
from harness.reading.summary import load
from harness.table.histogram import Histogram
from tests.support.cli import inside
from tests.support.run_builder import make_run

HOSTILE = 'GET /a"b\\c # d\n{e="f"}'


def families(path):
    judged = judge(load(path))
    found = {one.name: one for one in text_string_to_metric_families(as_openmetrics(judged))}
    return judged.run, found


def test_the_calls_and_their_times_are_those_of_the_run(tmp_path):
    run, found = families(make_run(tmp_path, fail_share=0.1, dropped_share=0.05))
    assert {one.type for one in found.values()} == {"counter", "gauge", "histogram"}
    calls = {
        (one.labels["operation"], one.labels["outcome"]): one.value for one in found["harness_calls"].samples
    }
    for name, part in run.operations.items():
        assert {outcome: calls[name, outcome] for outcome in part.outcomes} == part.outcomes
        response = part.histograms["response_ns"]
        mine = [one for one in found["harness_response_seconds"].samples if one.labels["operation"] == name]
        value = {one.name.rpartition("_")[2]: one.value for one in mine}
        assert value["count"] == part.count == response.count
        assert value["sum"] == pytest.approx(response.total / 1e9)
        quantiles = {
            one.labels["quantile"]: one.value for one in found["harness_quantile_seconds"].samples
            if (one.labels["operation"], one.labels["part"]) == (name, "response")
        }  # fmt: skip
        assert quantiles["0.5"] == response.percentile(0.5) / 1e9
    assert found["harness_throughput"].samples[0].value == pytest.approx(run.throughput_per_s)


def test_every_sample_names_the_run_and_has_the_time_of_its_end(tmp_path):
    _, found = families(make_run(tmp_path, variant="optimised"))
    samples = [one for family in found.values() for one in family.samples]
    named = {(one.labels["scenario"], one.labels["target"], one.labels["variant"]) for one in samples}
    assert named == {("asset-read", "asset-core", "optimised")}
    assert {float(one.timestamp) for one in samples} == {1_760_000_010.0}


def test_buckets_count_exactly_what_lies_below_their_bound():
    values = np.array([0, 1, 1022, 1023, 1024, 1025, 2**20 - 1, 2**20, 2**37 - 1, 2**37, 2**40], np.int64)
    counts = counts_up_to_bounds(Histogram.of(values))
    assert counts == [int((values <= bound).sum()) for bound in BOUNDS_NS]


def test_a_percentile_with_too_few_calls_has_no_sample(tmp_path):
    _, found = families(make_run(tmp_path, rate_per_s=20.0, operations={"GET": 1.0}))
    quantiles = {one.labels["quantile"] for one in found["harness_quantile_seconds"].samples}
    assert quantiles == {"0.5", "0.9", "0.95"}


def test_any_name_of_an_operation_is_one_label(tmp_path):
    run, found = families(make_run(tmp_path, operations={HOSTILE: 1.0}))
    assert list(run.operations) == [HOSTILE]
    names = {one.labels["operation"] for one in found["harness_calls"].samples}
    assert names == {HOSTILE.replace("\n", "\\u000a")}


def test_the_command_writes_an_invalid_run_and_tells_so(tmp_path):
    path = make_run(tmp_path, descheduled_share=0.5)
    assert inside(tmp_path, "export", path, "--format", "openmetrics").code == 5
    text = (path / "export" / "openmetrics.txt").read_text()
    levels = {one.labels["level"]: one.value for family in text_string_to_metric_families(text)
              if family.name == "harness_validity" for one in family.samples}  # fmt: skip
    assert levels == {"valid": 0.0, "degraded": 0.0, "invalid": 1.0}
