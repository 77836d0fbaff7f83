"""Verdicts on counts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judge.exact import exact_comparisons
from harness.judge.judge import judge
from harness.judge.verdict import Kind, Verdict
from harness.policy.policy import BenchmarkRule, Policy
from harness.session.receipt import State
from tests.support.judge import count, receipt

DEFAULT = Policy()
ALLOWING = Policy(benchmarks=(BenchmarkRule(match="GET *", metric="calls.*", allow=1),))


def judged(base, candidate, policy=DEFAULT, **fields):
    (one,) = exact_comparisons([count(base, candidate, **fields)], policy)
    return one


@pytest.mark.parametrize(
    ("base", "candidate", "policy", "verdict"),
    [
        ([2, 2, 2], [2, 2, 2], Policy(), Verdict.OK),
        ([2, 2, 2], [2.01, 2.01, 2.01], Policy(), Verdict.REGRESSED),  # one call more in a hundred requests
        ([2, 2, 2], [3, 3, 3], ALLOWING, Verdict.OK),
        ([2, 2, 2], [3.01, 3.01, 3.01], ALLOWING, Verdict.REGRESSED),
        ([2, 2, 2], [1.99, 1.99, 1.99], Policy(), Verdict.IMPROVED),
        ([0, 0, 0], [1, 1, 1], Policy(), Verdict.REGRESSED),
        ([0.1 + 0.2] * 3, [0.3] * 3, Policy(), Verdict.OK),  # the same number, rounded otherwise
        ([0.3] * 3, [0.1 + 0.2] * 3, Policy(), Verdict.OK),
        ([2], [2], Policy(), Verdict.OK),
        ([2], [3], Policy(), Verdict.INCONCLUSIVE),  # nobody knows whether it repeats
        ([100, 103, 101], [106, 107, 108], Policy(), Verdict.OK),  # within the tolerance of 3
        ([100, 103, 101], [107, 108, 109], Policy(), Verdict.REGRESSED),
        ([107, 108, 109], [100, 103, 101], Policy(), Verdict.IMPROVED),
        ([107, 108], [100, 103], Policy(), Verdict.INCONCLUSIVE),  # two repetitions teach no tolerance
        (
            [10, 30, 10],
            [10, 10, 30],
            Policy(),
            Verdict.INCONCLUSIVE,
        ),  # a count that scatters so shows nothing
        ([], [2, 2, 2], Policy(), Verdict.INVALID),
        ([2, 2, 2], [], Policy(), Verdict.INVALID),
        ([2, 2, 2], [2, 2], Policy(), Verdict.INVALID),  # a repetition was lost
        ([2, float("nan"), 2], [2, 2, 2], Policy(), Verdict.INVALID),
        ([2, 2, 2], [-1, -1, -1], Policy(), Verdict.INVALID),
    ],
)
def test_the_verdict_on_a_count(base, candidate, policy, verdict):
    one = judged(base, candidate, policy)
    assert (one.verdict, one.kind) == (verdict, Kind.EXACT)


STRICT = Policy(benchmarks=(BenchmarkRule(match="GET *", metric="alloc*", margin_percent=0.01),))
LAX = Policy(benchmarks=(BenchmarkRule(match="GET *", margin_percent=20),))


@pytest.mark.parametrize(
    ("metric", "base", "candidate", "policy", "verdict"),
    [
        ("allocations", 1748, 1749, DEFAULT, Verdict.OK),
        ("allocations", 1748, 1766, DEFAULT, Verdict.REGRESSED),
        ("allocations", 1766, 1748, DEFAULT, Verdict.IMPROVED),
        ("allocations", 1749, 1748, DEFAULT, Verdict.OK),
        ("allocations", 0, 1, DEFAULT, Verdict.REGRESSED),
        ("allocations", 1748, 1749, STRICT, Verdict.REGRESSED),
        ("allocations", 1000, 1200, LAX, Verdict.OK),
        ("allocations", 1000, 1201, LAX, Verdict.REGRESSED),
        ("peak_bytes", 132, 156, DEFAULT, Verdict.OK),  # a thread that is gone
        ("peak_bytes", 0, 1024, DEFAULT, Verdict.OK),
        ("peak_bytes", 5000, 6025, DEFAULT, Verdict.REGRESSED),
        ("peak_bytes", 1_000_000, 1_009_999, DEFAULT, Verdict.OK),
        ("peak_bytes", 1_000_000, 1_010_001, DEFAULT, Verdict.REGRESSED),
        ("peak_bytes", 10_000, 12_000, LAX, Verdict.OK),
        # Data of the requests: nothing of it is left to the day, and a rule for all metrics is not about them.
        ("bytes.redis", 100_000, 100_001, LAX, Verdict.REGRESSED),
        ("calls.redis", 1000, 1001, LAX, Verdict.REGRESSED),
        ("round_trips.redis", 1000, 1001, LAX, Verdict.REGRESSED),
        ("items.redis", 1000, 1001, LAX, Verdict.REGRESSED),
        ("failures", 0, 0.001, LAX, Verdict.REGRESSED),
    ],
)
def test_what_is_allocated_has_a_floor_and_what_requests_ask_for_has_none(
    metric, base, candidate, policy, verdict
):
    one = judged([base] * 3, [candidate] * 3, policy, metric=metric)
    assert one.verdict is verdict
    assert (one.margin is not None) == (metric in {"allocations", "peak_bytes"})


def test_the_tolerance_is_the_floor_where_repetitions_teach_less():
    one = judged([1000, 1001, 1000], [1009, 1010, 1009], metric="allocations")
    assert (one.verdict, "tolerance 10 (floor of the metric)" in one.note) == (Verdict.OK, True)
    assert judged([1000, 1001, 1000], [1012, 1013, 1012], metric="allocations").verdict is Verdict.REGRESSED
    assert judged([1000, 1020, 1000], [1032, 1033, 1032], metric="allocations").verdict is Verdict.OK


def test_a_change_that_is_none_says_so():
    assert judged([1748] * 3, [1749] * 3, metric="allocations").note == "within the floor of 17.48"
    assert judged([9] * 3, [9] * 3, metric="allocations").note == ""


def test_a_tolerance_is_said_with_its_size():
    assert (
        judged([100, 103, 101], [101, 101, 101]).note
        == "repetitions of one side differ; tolerance 3 (range of the repetitions)"
    )


def test_growth_is_relative_and_none_where_something_came_out_of_nothing():
    assert judged([2] * 3, [3] * 3).change == 0.5
    assert judged([0] * 3, [3] * 3).change is None
    assert judged([0] * 3, [0] * 3).change == 0


def test_sites_are_ranked_by_growth():
    one = judged(
        [3] * 3,
        [4] * 3,
        base_sites={"gone": 1.0, "same": 2.0},
        candidate_sites={"same": 2.0, "new": 1.5, "gone": 0.5},
    )
    assert [(site.function, site.base, site.candidate) for site in one.sites] == [
        ("new", 0.0, 1.5),
        ("same", 2.0, 2.0),
        ("gone", 1.0, 0.5),
    ]


ONE, NONE = [1.0] * 3, []


@pytest.mark.parametrize(
    ("base", "candidate", "state", "verdict"),
    [
        (NONE, ONE, State.NEW, Verdict.NEW),
        (ONE, NONE, State.REMOVED, Verdict.REMOVED),
        (ONE, ONE, State.NEW, Verdict.OK),
        (ONE, NONE, State.NEW, Verdict.INVALID),
        (NONE, ONE, State.REMOVED, Verdict.INVALID),
        (NONE, NONE, State.NEW, Verdict.INVALID),
        (ONE, NONE, State.BROKEN, Verdict.INVALID),
    ],
)
def test_an_operation_that_only_one_side_has_is_no_fault_if_the_counts_say_so(
    base, candidate, state, verdict
):
    one = judged(base, candidate, note="base: there is no such operation", state=state)
    assert (one.verdict, "there is no such operation" in one.note) == (verdict, True)


def test_a_side_that_could_not_be_counted_says_why():
    one = judged([2] * 3, [], note="the candidate died")
    assert one.note == "no counts for the candidate: the candidate died"


def test_an_operation_that_fails_on_both_sides_was_not_compared():
    found = judged([1.0] * 3, [1.0] * 3, metric="failures")
    assert (found.verdict, "every request failed on both sides" in found.note) == (Verdict.INVALID, True)
    assert judged([0.5] * 3, [0.5] * 3, metric="failures").verdict is Verdict.OK


def test_what_a_target_does_in_the_background_is_nobodys_regression():
    assert exact_comparisons([count([1], [9], benchmark="background")], Policy()) == []


def test_what_is_left_out_is_not_judged():
    policy = Policy(benchmarks=(BenchmarkRule(match="*", metric="allocations", skip="later"),))
    both = [count([1], [1]), count([1], [9], metric="allocations")]
    assert [one.metric for one in exact_comparisons(both, policy)] == ["calls.dynamodb"]


def test_a_count_recorded_twice_is_damage():
    twice = exact_comparisons([count([1], [1]), count([1], [1])], Policy())
    assert {one.verdict for one in twice} == {Verdict.INVALID}


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(0, 1e9)] * 2), min_size=1, max_size=5),
    st.sampled_from(["calls.dynamodb", "allocations", "peak_bytes"]),
)
def test_sides_swapped_turn_the_verdict_around(pairs, metric):
    base, candidate = zip(*pairs, strict=True)
    mirror = {Verdict.REGRESSED: Verdict.IMPROVED, Verdict.IMPROVED: Verdict.REGRESSED}
    one, two = judged(base, candidate, metric=metric), judged(candidate, base, metric=metric)
    decided = {Verdict.REGRESSED, Verdict.IMPROVED}
    if one.verdict in decided or two.verdict in decided:
        assert two.verdict is mirror[one.verdict]


@pytest.mark.parametrize("side", ["base", "candidate"])
def test_what_runs_outside_of_calls_withholds_a_count_and_never_reads_as_no_change(side):
    one = judged([5, 5, 5], [5, 5, 5], **{f"{side}_elsewhere": 0.9})
    assert (one.verdict, one.change, one.base) == (Verdict.INCONCLUSIVE, None, None)
    assert one.note.startswith("90 % of the allocations were made outside of the calls")
    assert judged([5, 5, 5], [9, 9, 9], **{f"{side}_elsewhere": 0.9}).verdict is Verdict.INCONCLUSIVE


def test_background_work_that_is_little_withholds_nothing():
    assert judged([5, 5, 5], [5, 5, 5], base_elsewhere=0.008).verdict is Verdict.OK
    assert judged([5, 5, 5], [6, 6, 6], base_elsewhere=0.008).verdict is Verdict.REGRESSED


def test_what_is_known_to_be_unseen_is_said_in_its_own_words():
    one = judged([5, 5, 5], [5, 5, 5], unseen="its children are not counted")
    assert (one.verdict, one.note) == (Verdict.INCONCLUSIVE, "its children are not counted")


def test_a_session_with_a_count_that_is_withheld_does_not_pass_and_is_not_invalid():
    counts = [count([5] * 3, [5] * 3), count([5] * 3, [5] * 3, metric="allocations", base_elsewhere=0.9)]
    whole = judge(receipt(suites=["exact"], benchmarks=[], blocks=[], counts=counts), DEFAULT)
    assert (whole.verdict, whole.exit_code) == (Verdict.INCONCLUSIVE, 0)
