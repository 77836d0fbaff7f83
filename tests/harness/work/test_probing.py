"""What one probe shows of an SLO, from its run directory."""

import pytest

from harness.capacity.document import MetricFacts
from harness.capacity.seen import Sight
from harness.reading.judging import judge
from harness.reading.summary import load
from harness.run.directory import RunDirectory
from harness.work.probing import facts_of, sight
from tests.support.capacity_builder import probe
from tests.support.run_builder import make_run

TIME = MetricFacts(name="p50", unit="ns", limit=1e9)


def run_of(tmp_path, *slos, **changes):
    folder = make_run(tmp_path, **changes)
    directory = RunDirectory(folder)
    document = directory.read()
    document.slos = list(slos)
    directory.write(document)
    return judge(load(folder))


@pytest.mark.parametrize(
    ("slos", "seen"),
    [
        (("p50<1s",), Sight.HELD),
        (("p50<1s", "GET /health: p50<1s"), Sight.HELD),
        (("p50<1ns",), Sight.BROKE),
        (("p50<1s,p90<1ns",), Sight.BROKE),
        (("p99.99<1s",), Sight.OPEN),
        (("p50<1s", "p99.99<1s"), Sight.OPEN),
        ((), Sight.OPEN),
    ],
)
def test_a_rate_holds_only_where_every_limit_is_certified(tmp_path, slos, seen):
    assert sight(run_of(tmp_path, *slos)) is seen


@pytest.mark.parametrize("slo", ["p50<1s", "p50<1ns"])
def test_an_invalid_run_neither_holds_nor_breaks(tmp_path, slo):
    run = run_of(tmp_path, slo, facts=False)
    assert sight(run) is Sight.INVALID
    told = facts_of(run, probe(200, "held"), TIME)
    assert (told.sight, told.validity) == ("invalid", "invalid")
    assert told.reasons


def test_the_metric_is_that_of_the_operation_that_is_limited(tmp_path):
    run = run_of(tmp_path, "GET /health: p50<1s")
    told = facts_of(run, probe(200, "held"), TIME)
    assert told.metric == run.run.operations["GET /health"].histograms["response_ns"].percentile(0.5)
    every = facts_of(run_of(tmp_path, "p50<1s"), probe(200, "held"), TIME)
    assert every.metric > told.metric
    errors = MetricFacts(name="errors", unit="share", limit=0.1)
    failing = run_of(tmp_path, "errors<50%", fail_share=0.2)
    assert facts_of(failing, probe(200, "held"), errors).metric == pytest.approx(0.2, abs=0.05)
