"""Limits: what is read from text, and what counts can certify."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.policy.slo import SloMetric, State, certify, parse
from harness.stats.binomial import at_least, at_most

(P99,) = parse("p99<25ms")
(ERRORS,) = parse("errors<0.1%")
(THROUGHPUT,) = parse("throughput>50/s")


def test_clauses_are_read_with_their_units():
    clauses = parse("p99<25ms, p99.9 <= 1.5s,p50<800us,errors<0.1%,errors<0.02,throughput>50/s")
    assert [clause.metric for clause in clauses] == [
        *[SloMetric.LATENCY] * 3,
        *[SloMetric.ERRORS] * 2,
        SloMetric.THROUGHPUT,
    ]
    assert [clause.limit for clause in clauses] == [25e6, 1.5e9, 8e5, 0, 0, 50]
    assert [clause.share for clause in clauses] == [0.01, 0.001, 0.5, 0.001, 0.02, 0]
    assert clauses[1].text == "p99.9 <= 1.5s"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' is not a limit"),
        ("p99", "'p99' is not a limit"),
        ("p99<", "is not a limit"),
        ("p99<25", "is not a time"),
        ("p99<0ms", "is not a time"),
        ("p99>25ms", "requires more p99"),
        ("p0<25ms", "is not a percentile"),
        ("p100<25ms", "is not a percentile"),
        ("max<1s", "p99.9"),
        ("speed<1s", "is not a percentile"),
        ("errors<0%", "no number of calls can show"),
        ("errors<100%", "is not a share"),
        ("errors<1ms", "is not a share"),
        ("throughput<50/s", "not a minimum throughput"),
        ("p99<25ms,,errors<1%", "'' is not a limit"),
    ],
)
def test_what_is_no_limit_is_refused_by_name(text, says):
    with pytest.raises(UsageError, match=says):
        parse(text)


def test_299_calls_without_one_over_the_limit_are_the_first_to_certify_a_p99():
    assert certify(P99, calls=299, exceeding=0).state is State.CERTIFIED
    almost = certify(P99, calls=298, exceeding=0)
    assert (almost.state, almost.more) == (State.NOT_CERTIFIED, 1)
    assert "about 1 more at this rate" in almost.sentence


def test_a_percentile_that_looks_good_is_not_certified_before_there_are_enough_calls():
    certificate = certify(P99, calls=1000, exceeding=8)
    assert certificate.state is State.NOT_CERTIFIED
    assert certificate.low < 0.008
    assert certificate.high > 0.01
    again = certify(P99, calls=1000 + certificate.more, exceeding=round(0.008 * (1000 + certificate.more)))
    assert again.state is State.CERTIFIED


def test_a_limit_is_broken_only_where_chance_does_not_explain_it():
    assert certify(P99, calls=1000, exceeding=12).state is State.NOT_CERTIFIED
    assert certify(P99, calls=1000, exceeding=12).more is None
    assert certify(P99, calls=1000, exceeding=30).state is State.BROKEN
    assert certify(ERRORS, calls=100, exceeding=100).state is State.BROKEN


@settings(deadline=None)
@given(st.integers(1, 20_000), st.data())
def test_certified_and_broken_are_wrong_five_times_in_a_hundred_at_most(calls, data):
    exceeding = data.draw(st.integers(0, min(calls, 400)))
    certificate = certify(P99, calls=calls, exceeding=exceeding)
    assert (certificate.state is State.CERTIFIED) == (at_most(exceeding, calls, 0.01) <= 0.05)
    assert (certificate.state is State.BROKEN) == (exceeding > 0 and at_least(exceeding, calls, 0.01) < 0.05)


@pytest.mark.parametrize(("calls", "exceeding"), [(0, 0), (10, 11), (10, -1), (-5, 0)])
def test_counts_that_cannot_be_certify_nothing(calls, exceeding):
    for clause in (P99, ERRORS, THROUGHPUT):
        assert certify(clause, calls=calls, exceeding=exceeding, seconds=1.0).state is State.NOT_CERTIFIED


def test_a_throughput_is_what_completed_by_the_time_it_took():
    assert certify(THROUGHPUT, calls=1000, exceeding=400, seconds=10).state is State.CERTIFIED
    assert certify(THROUGHPUT, calls=1000, exceeding=600, seconds=10).state is State.BROKEN
    assert certify(THROUGHPUT, calls=1000, exceeding=0, seconds=0).state is State.BROKEN
