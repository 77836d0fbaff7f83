"""Time is conserved in every row: nothing is counted twice and nothing is lost."""

import numpy as np
import pytest

from tests.cli_support import measured, returned

# The split may miss the few microseconds around a stamp.
RESIDUAL_NS = 10_000
OPEN = ("steady", "known:constant?service_ms=2", "--rate", 400)
CLOSED = ("closed", "known:constant?service_ms=2", "--users", 8)
HOLDING = ("closed", "known:bimodal?fast_us=50&slow_us=500", "--users", 4)
OVERLOADED = ("steady", "known:spin?spin_us=1000", "--rate", 1300)


@pytest.fixture(
    scope="module", params=[OPEN, CLOSED, HOLDING, OVERLOADED], ids=lambda case: f"{case[0]}-{case[1]}"
)
def truth(request, measure):
    return measure(*request.param, "--duration", "1s", "--warmup", "300ms")


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


def test_the_means_of_the_document_add_up(truth):
    means = {name: numbers["mean"] for name, numbers in _metrics(truth).items()}
    parts = means["lag_ns"] + means["queue_ns"] + means["service_ns"]
    assert parts == pytest.approx(means["response_ns"], abs=1)
    split = means["run_ns"] + means["wait_busy_ns"] + means["wait_idle_ns"]
    assert split == pytest.approx(means["service_ns"], abs=RESIDUAL_NS)


def _metrics(truth):
    call = truth.run["operations"]["call"]
    return {name: numbers for name, numbers in call.items() if isinstance(numbers, dict)}


def test_what_runs_and_what_waits_is_told_apart(truth):
    means = {name: numbers["mean"] for name, numbers in _metrics(truth).items()}
    if "constant" in truth.run["target"]:
        assert means["run_ns"] < 0.1 * means["service_ns"]
    else:
        assert means["run_ns"] == pytest.approx(truth.service_ns.mean(), rel=0.05)
