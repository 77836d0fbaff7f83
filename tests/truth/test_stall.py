"""One call holds the loop for 0.3 s: the open model tells what users would have seen, a closed loop does not."""

import itertools

import numpy as np
import pytest

from harness.model import Arrivals
from harness.plans.plan import Span, intended_ns
from tests.cli_support import document, table
from tests.truth.conftest import assert_agrees, assert_monotone, nearest_rank

RATE_PER_S = 1_000
STALL_NS = 300_000_000
STALL = "known:stall?stall_ms=300&service_ms=1"
# Half-way through the open run, and beyond what eight users can call in the closed run's warm-up.
OPEN_CALL, CLOSED_CALL = 2_500, 5_000


@pytest.fixture(scope="module")
def stalled(measure):
    target = f"{STALL}&at_call={OPEN_CALL}"
    return measure("steady", target, "--rate", RATE_PER_S, "--duration", "4s", "--warmup", "500ms")


@pytest.fixture(scope="module")
def in_stall(stalled):
    """The calls that were due while the loop was held, and when it was free again."""
    # Not the longest call: one that yielded just before was out for longer.
    held = OPEN_CALL - 1
    free_ns = int(stalled.ended_ns[held])
    due_ns = stalled.rows["intended_ns"]
    return (due_ns > stalled.begun_ns[held]) & (due_ns < free_ns), free_ns


def test_every_row_keeps_the_intended_start_of_the_plan(stalled):
    plan = document(stalled.directory)["plan"]
    spans = tuple(Span(**span) for span in plan["spans"])
    due_ns = intended_ns(spans, Arrivals(plan["arrivals"]), np.random.default_rng(stalled.run["seed"]))
    assert np.array_equal(table(stalled.directory)["intended_ns"], due_ns)


def test_response_from_the_intended_start_is_what_the_journal_gives(stalled):
    response = stalled.run["operations"]["call"]["response_ns"]
    assert_agrees(response, stalled.response_ns, stalled.apart_ns)
    assert_monotone(response)


def test_the_backlog_behind_the_stall_is_in_the_percentiles(stalled, in_stall):
    waiting, free_ns = in_stall
    assert waiting.sum() == pytest.approx(RATE_PER_S * 0.3, rel=0.35)
    # Nobody who was due in the stall can have had an answer before its end: the arithmetic of the backlog.
    least_ns = np.where(waiting, free_ns - stalled.rows["intended_ns"], 0)[stalled.is_measured]
    response = stalled.run["operations"]["call"]["response_ns"]
    for name, share in (("p95", 0.95), ("p99", 0.99), ("p999", 0.999)):
        assert response[name] * 1.004 >= nearest_rank(least_ns, share), name
    assert response["p99"] > STALL_NS / 2
    assert response["max"] >= STALL_NS


def test_a_closed_loop_on_the_same_target_hides_the_stall(measure, stalled):
    target = f"{STALL}&at_call={CLOSED_CALL}"
    closed = measure("closed", target, "--users", 8, "--duration", "3s", "--warmup", "500ms")
    seen = closed.run["operations"]["call"]["response_ns"]
    assert seen["max"] >= STALL_NS
    # One wait for each user is all that such a loop records of it.
    assert (closed.response_ns > STALL_NS / 3).sum() <= 8
    assert seen["p99"] < stalled.run["operations"]["call"]["response_ns"]["p99"] / 5


def test_the_target_owns_the_lag_of_its_stall(stalled, in_stall):
    waiting, _ = in_stall
    rows = stalled.rows[waiting]
    lag_ns = int((rows["dispatched_ns"] - rows["intended_ns"] - rows["lag_host_ns"]).sum())
    assert int(rows["lag_target_ns"].sum()) >= 0.95 * lag_ns


def is_blameless(one):
    """Whether the run is no fault of the driver's: it is not invalid, and hardly a call has lag of the driver's own."""
    rows = one.rows[one.is_measured]
    own_ns = rows["dispatched_ns"] - rows["intended_ns"] - rows["lag_target_ns"] - rows["lag_host_ns"]
    # The backlog alone is 7 % of the calls; a busy machine may add a few of its own.
    is_its_own = (own_ns > 500_000).mean() >= 0.02
    return not is_its_own and (one.run["validity"] != "invalid", one.said.code) == (True, 0)


def test_a_stalling_target_does_not_make_the_run_invalid(measure, stalled):
    # A host that slows the processor may spoil one run, rightly; the stall would spoil each.
    plan = ("--rate", RATE_PER_S, "--duration", "4s", "--warmup", "500ms")
    target = f"{STALL}&at_call={OPEN_CALL}"
    runs = itertools.chain([stalled], (measure("steady", target, *plan) for _ in range(2)))
    if not any(map(is_blameless, runs)):
        calm = measure("steady", "known:constant?service_ms=1", *plan)
        assert not is_blameless(calm), "nothing but the stall spoilt the runs"
