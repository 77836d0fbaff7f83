"""Certificates: what counts by stretch of time can show, and what they cannot."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.policy.certificates import LEAST_ALLOWED, certify
from harness.policy.slo import STRETCHES, Counted, LimitCount, State, parse
from tests.support.limit_counts import limit_count

(P99,) = parse("p99<25ms")
(ERRORS,) = parse("errors<0.1%")
(THROUGHPUT,) = parse("throughput>50/s")


def certified(calls, exceeding, **more):
    return certify(P99, [limit_count(calls, exceeding, **more)])


def in_one(stretch, calls):
    return [calls if place == stretch else 0 for place in range(STRETCHES)]


def test_3000_calls_without_one_over_the_limit_are_the_first_to_certify_a_p99():
    # Thirty are allowed beyond it: a group of five slow calls would be seen.
    assert certified(3000, 0).state is State.CERTIFIED
    almost = certified(2999, 0)
    assert (almost.state, almost.more) == (State.NOT_CERTIFIED, 1)
    assert "about 1 more at this rate" in almost.sentence


def test_10000_calls_without_one_over_the_limit_certify_it_and_say_what_they_could_have_missed():
    assert certified(10_000, 0).sentence == (
        "certified: 0 of 10,000 calls were over 25 ms or failed (limit below 1 %); "
        "a group of more than 16 such calls could have been missed"
    )


def test_where_the_slowest_calls_come_together_none_over_the_limit_may_be_luck():
    one_busy_period = certified(10_000, 0, slowest=in_one(7, 100))
    assert one_busy_period.state is State.NOT_CERTIFIED
    assert "slow calls come in clusters" in one_busy_period.sentence
    few = certified(10_000, 0, slowest=[25 * (place % 5 == 0) for place in range(STRETCHES)])
    assert few.state is State.NOT_CERTIFIED
    assert 0 < few.effective < 1000


def test_clusters_widen_the_interval_and_are_said():
    by_stretch = [0, 40, 0, 0, 30, 0, 0, 0, 60, 0, 0, 20, 0, 0, 0, 50, 0, 10, 0, 0]
    found = certified(10_000, by_stretch)
    alone = certified(10_000, sum(by_stretch))
    assert (alone.state, found.state) == (State.BROKEN, State.NOT_CERTIFIED)
    assert found.low < 0.01 < alone.low
    assert "slow calls come in clusters: 10,000 calls tell as much as" in found.sentence
    assert found.effective < 500


def test_fewer_than_five_stretches_are_too_few_clusters_to_tell():
    by_stretch = [60 if place in {2, 9, 15} else 0 for place in range(STRETCHES)]
    found = certified(10_000, by_stretch, slowest=200)
    assert found.state is State.NOT_CERTIFIED
    assert certified(10_000, in_one(3, 40), slowest=100).state is State.NOT_CERTIFIED
    alone = certified(5_000, [1, *in_one(3, 1)[1:]], slowest=50)
    assert alone.state is State.CERTIFIED


def test_an_outage_of_whole_stretches_breaks_a_limit_that_so_few_could_not():
    count = limit_count(10_000, in_one(4, 500), clause=ERRORS.text)
    assert certify(ERRORS, [count]).state is State.BROKEN
    # One of twenty stretches is no sign against 1 %; two are.
    assert certified(10_000, in_one(4, 500)).state is State.NOT_CERTIFIED
    assert certified(10_000, [500, 500, *[0] * 18]).state is State.BROKEN


@pytest.mark.parametrize("calls", [20, 100, 10_000])
def test_a_limit_broken_by_every_call_is_broken_at_once(calls):
    assert certified(calls, calls).state is State.BROKEN
    assert certified(calls, calls // 2).state is State.BROKEN


def test_fewer_calls_over_the_limit_never_undo_a_certificate():
    by_stretch = [1] * 10 + [0] * 10
    states = []
    for place in range(10):
        states.append(certified(4000, list(by_stretch), slowest=40).state)
        by_stretch[place] = 0
    assert set(states) == {State.CERTIFIED}


def test_independent_calls_are_worth_their_number():
    rng = random.Random(4)
    certificates, broken, runs = 0, 0, 300
    for _ in range(runs):
        by_stretch = [sum(rng.random() < 0.005 for _ in range(500)) for _ in range(STRETCHES)]
        found = certified(10_000, by_stretch, slowest=100)
        certificates += found.state is State.CERTIFIED
        broken += found.state is State.BROKEN
    assert (certificates, broken) == (runs, 0)


def test_calls_of_a_queue_at_its_limit_are_seldom_certified_and_seldom_broken():
    """`tests/simulations/slo_clusters.py` in small: clusters of 40 calls at exactly 1 %."""
    rng = random.Random(11)
    states = []
    for _ in range(300):
        by_stretch = [0] * STRETCHES
        for _ in range(sum(rng.random() < 0.025 for _ in range(100))):
            by_stretch[rng.randrange(STRETCHES)] += min(1 + int(rng.expovariate(1 / 40)), 200)
        states.append(
            certified(10_000, by_stretch, slowest=by_stretch if sum(by_stretch) >= 100 else 100).state
        )
    # The slowest calls of a run with few clusters are given here as if they were alone: the worst case.
    assert states.count(State.BROKEN) <= 15


def test_a_percentile_that_looks_good_is_not_certified_before_there_are_enough_calls():
    found = certified(1000, 8)
    assert found.state is State.NOT_CERTIFIED
    assert found.low < 0.008
    assert found.high > 0.01
    again = certified(1000 + found.more, round(0.008 * (1000 + found.more)))
    assert again.state is State.CERTIFIED


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=STRETCHES, max_size=STRETCHES))
def test_every_count_has_a_state_and_bounds_in_order(parts):
    counts = [(calls, min(calls, over)) for calls, over in parts]
    count = LimitCount(
        clause=P99.text, operation="all", calls=sum(calls for calls, _ in counts),
        exceeding=sum(over for _, over in counts), seconds=1.0,
        stretches=tuple(Counted(calls, over, {90: over} if over else {}) for calls, over in counts),
    )  # fmt: skip
    found = certify(P99, [count])
    assert found.low is None or 0 <= found.low <= found.high <= 1
    assert found.effective is None or 0 <= found.effective <= found.calls
    assert found.more is None or found.more > 0
    if found.state is State.CERTIFIED:
        assert found.calls * 0.01 >= LEAST_ALLOWED


@pytest.mark.parametrize(("calls", "exceeding"), [(0, 0), (10, 11), (10, -1)])
def test_counts_that_cannot_be_certify_nothing(calls, exceeding):
    for clause in (P99, ERRORS, THROUGHPUT):
        count = LimitCount(clause=clause.text, operation="all", calls=calls, exceeding=exceeding, seconds=1.0)
        assert certify(clause, [count]).state is State.NOT_CERTIFIED
        assert certify(clause, []).sentence == "not certified: no calls"


def test_records_without_stretches_or_with_other_sums_are_refused_by_name():
    count = limit_count(10_000, 0)
    old = msgspec.structs.replace(count, stretches=())
    assert "no counts by stretch of time" in certify(P99, [old]).sentence
    assert "no counts by stretch of time" in certify(P99, [count, old]).sentence
    wrong = msgspec.structs.replace(count, calls=9_999)
    assert "do not add up" in certify(P99, [wrong]).sentence


def test_segments_are_taken_together_as_one_run():
    parts = [limit_count(1000, 5) for _ in range(10)]
    assert certify(P99, parts).state is State.CERTIFIED
    assert certify(P99, parts[:2]).state is State.NOT_CERTIFIED
    # The same calls, all in one segment.
    together = [limit_count(1000, 50 * (place == 4)) for place in range(10)]
    assert certify(P99, together).state is State.NOT_CERTIFIED


def test_a_throughput_is_certified_from_the_rates_of_the_stretches():
    def state(calls, exceeding, seconds):
        return certify(
            THROUGHPUT, [limit_count(calls, exceeding, clause=THROUGHPUT.text, seconds=seconds)]
        ).state

    assert state(1000, 400, 10) is State.CERTIFIED
    assert state(1000, 600, 10) is State.BROKEN
    assert state(1000, 0, 0) is State.BROKEN
    uneven = [45 if place % 2 else 3 for place in range(STRETCHES)]
    assert state(1000, uneven, 10) is State.NOT_CERTIFIED
