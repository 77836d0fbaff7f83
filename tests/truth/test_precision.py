"""A lognormal service time around 0.1 ms: every number within 1 % of the journal's own."""

import pytest

from tests.truth.catalogue import LOGNORMAL
from tests.truth.conftest import assert_agrees, assert_monotone

pytestmark = pytest.mark.measures


@pytest.fixture(scope="module", params=[LOGNORMAL, LOGNORMAL.as_coroutine], ids=["gevent", "asyncio"])
def lognormal(request, truth_of):
    return truth_of(request.param)


def test_every_number_of_service_is_the_journals(lognormal):
    assert_agrees(lognormal.run["operations"]["call"]["service_ns"], lognormal.service_ns, lognormal.apart_ns)


def test_every_number_of_response_is_the_journals(lognormal):
    assert_agrees(
        lognormal.run["operations"]["call"]["response_ns"], lognormal.response_ns, lognormal.apart_ns
    )


def test_a_target_that_never_yields_runs_for_all_of_its_service(lognormal):
    call = lognormal.run["operations"]["call"]
    assert_agrees(call["run_ns"], lognormal.service_ns, lognormal.apart_ns)
    assert call["wait_busy_ns"]["max"] == 0


@pytest.mark.parametrize(
    "metric",
    ["response_ns", "service_ns", "lag_ns", "queue_ns", "run_ns", "wait_busy_ns", "wait_idle_ns"],
)
def test_percentiles_are_monotone(lognormal, metric):
    assert_monotone(lognormal.run["operations"]["call"][metric])


def test_the_distribution_is_the_one_that_was_asked_for(lognormal):
    service = lognormal.run["operations"]["call"]["service_ns"]
    assert service["p50"] == pytest.approx(100_000, rel=0.15)


def test_every_planned_call_is_counted_once(lognormal):
    assert lognormal.run["planned"] == 2000
    assert lognormal.run["operations"]["call"]["count"] == 2000
    assert len(lognormal.service_ns) == 2000


def test_a_percentile_with_too_few_calls_behind_it_is_null(measure):
    # Close together: after a pause of 16 ms the stamps themselves take microseconds.
    few = measure("steady", "known:spin?spin_us=1000", "--rate", 300, "--duration", "200ms", "--warmup", "0s")
    service = few.run["operations"]["call"]["service_ns"]
    assert [name for name, value in service.items() if value is None] == ["p90", "p95", "p99", "p999"]
    assert_agrees(service, few.service_ns, few.apart_ns)
