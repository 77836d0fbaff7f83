"""Time is conserved in every row of every kind of run: nothing is counted twice and nothing is lost."""

import numpy as np
import pytest

from tests.support.cli import measured, returned
from tests.truth.catalogue import (
    HOLDING_CLOSED,
    LOGNORMAL,
    OVERLOADED,
    STALLED,
    STALLED_CLOSED,
    WAITING,
    WAITING_CLOSED,
)

pytestmark = pytest.mark.measures
# The split may miss the few microseconds around a stamp.
RESIDUAL_NS = 10_000
OF_WAITING = [WAITING, WAITING_CLOSED, WAITING_CLOSED.as_coroutine]
OF_HOLDING = [HOLDING_CLOSED, OVERLOADED, LOGNORMAL, HOLDING_CLOSED.as_coroutine, LOGNORMAL.as_coroutine]


@pytest.fixture(
    scope="module", params=[*OF_WAITING, *OF_HOLDING, STALLED, STALLED_CLOSED, STALLED.as_coroutine], ids=str
)
def truth(request, truth_of):
    return truth_of(request.param)


@pytest.fixture
def rows(truth):
    found = returned(measured(truth.directory)).copy()
    assert len(found) > 100
    return found


def test_no_part_of_a_call_is_negative(rows):
    stamps = [rows[name] for name in ("intended_ns", "dispatched_ns", "entered_ns", "completed_ns")]
    assert (np.diff(stamps, axis=0) >= 0).all()


def test_lag_and_queue_and_service_are_the_response_of_every_row(rows):
    lag_ns = rows["dispatched_ns"] - rows["intended_ns"]
    queue_ns = rows["entered_ns"] - rows["dispatched_ns"]
    service_ns = rows["completed_ns"] - rows["entered_ns"]
    assert (lag_ns + queue_ns + service_ns == rows["completed_ns"] - rows["intended_ns"]).all()
    assert (rows["lag_target_ns"] + rows["lag_host_ns"] <= lag_ns).all()
    assert (rows["lag_target_ns"] >= 0).all()
    assert (rows["lag_host_ns"] >= 0).all()


def test_run_and_waits_are_the_service_of_every_row(rows):
    service_ns = rows["completed_ns"] - rows["entered_ns"]
    assert (rows["run_ns"] >= 0).all()
    assert (rows["wait_busy_ns"] >= 0).all()
    assert (rows["run_ns"] + rows["wait_busy_ns"] <= service_ns + RESIDUAL_NS).all()


def means_of(truth):
    call = truth.run["operations"]["call"]
    return {
        name: numbers["mean"]
        for name, numbers in call.items()
        if isinstance(numbers, dict) and "mean" in numbers
    }


def test_the_means_of_the_document_add_up(truth):
    means = means_of(truth)
    parts = means["lag_ns"] + means["queue_ns"] + means["service_ns"]
    assert parts == pytest.approx(means["response_ns"], abs=1)
    split = means["run_ns"] + means["wait_busy_ns"] + means["wait_idle_ns"]
    assert split == pytest.approx(means["service_ns"], abs=RESIDUAL_NS)


@pytest.mark.parametrize("known", OF_WAITING, ids=str)
def test_a_call_that_waits_hardly_runs(truth_of, known):
    means = means_of(truth_of(known))
    assert means["run_ns"] < 0.1 * means["service_ns"]


@pytest.mark.parametrize("known", OF_HOLDING, ids=str)
def test_a_call_that_holds_the_loop_runs_for_all_of_its_service(truth_of, known):
    truth = truth_of(known)
    assert means_of(truth)["run_ns"] == pytest.approx(truth.service_ns.mean(), rel=0.05)
