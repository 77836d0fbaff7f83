"""The verdict on counted instructions."""

import pytest

from harness.judge.exact import exact_comparisons
from harness.judge.instructions import beside_times
from harness.judge.verdict import Comparison, Kind, Verdict
from harness.policy.policy import BenchmarkRule, Policy
from harness.session.receipt import Count


def compared(changes, policy=None, **more):
    """Return the comparison of a base of a million in each pair and a candidate changed by so many per cent."""
    base = [1_000_000.0 + 500 * place for place in range(len(changes))]
    candidate = [before * (1 + change / 100) for before, change in zip(base, changes, strict=True)]
    count = Count(benchmark="b", metric="instructions", requests=5, base=base, candidate=candidate, **more)
    (found,) = exact_comparisons([count], policy or Policy())
    return found


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ([0.0, 0.0, 0.0], "ok"),
        ([0.02, -0.03, 0.0], "ok"),
        ([0.2, -0.15, 0.1, -0.2, 0.05, 0.15], "ok"),
        ([0.25, 0.25, 0.25], "ok"),
        ([0.5, 0.5, 0.5], "regressed"),
        ([0.49, 0.5, 0.52], "regressed"),
        ([-0.5, -0.5, -0.5], "improved"),
        ([0.4, 0.55, 0.5, 0.45, 0.6, 0.5], "regressed"),
        ([-0.4, -0.55, -0.5, -0.45, -0.6, -0.5], "improved"),
        # Pairs that differ as much as they change.
        ([0.1, 0.8, 0.5, 0.3, 0.6, 0.5], "inconclusive"),
        ([-0.1, 0.8, 0.5, 0.4, 0.6, 0.5], "inconclusive"),
        ([0.4, 0.55, 0.5], "inconclusive"),
        ([0.5], "inconclusive"),
        ([0.0, 0.0, 1.2], "inconclusive"),
        ([8.0, 10.0, 19.0, 9.5, 10.0, 10.0], "inconclusive"),
        ([9.0, 10.0, 11.0, 9.5, 10.0, 10.0], "regressed"),
        ([-9.0, -10.0, -11.0, -9.5, -10.0, -10.0], "improved"),
    ],
)
def test_a_change_is_real_if_every_pair_shows_it_by_more_than_the_pairs_differ(changes, verdict):
    found = compared(changes)
    assert str(found.verdict) == verdict
    if verdict == "inconclusive":
        assert found.note


def test_a_count_that_is_not_exact_has_its_spread_and_no_figure():
    found = compared([0.0, 5.0, 12.0])
    assert "no exact instructions: the change differs by 12" in found.note
    assert (found.base, found.candidate, found.change) == (None, None, None)


def test_the_change_is_the_median_of_the_pairs_with_their_range():
    found = compared([0.4, 0.55, 0.5, 0.45, 0.6, 0.5])
    assert found.change == pytest.approx(0.005)
    assert (found.low, found.high) == (pytest.approx(0.004), pytest.approx(0.006))
    assert (compared([0.5] * 3).low, found.unit, found.margin) == (None, "per call", 0.003)


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [({"margin_percent": 2.0}, "ok"), ({"allow": 20_000.0}, "ok"), ({"margin_percent": 0.1}, "regressed"), ({"allow": 500.0}, "regressed")],
)  # fmt: skip
def test_the_policy_sets_the_margin_and_what_a_call_may_take_more(rule, verdict):
    policy = Policy(benchmarks=(BenchmarkRule(match="*", metric="instructions", **rule),))
    assert str(compared([1.0] * 3, policy).verdict) == verdict


def test_what_could_not_be_counted_is_inconclusive_with_its_reason_and_never_invalid_or_passing():
    count = Count(
        benchmark="b", metric="instructions", requests=5, base=[], candidate=[], unseen="it takes 2 s"
    )
    (found,) = exact_comparisons([count], Policy())
    assert (found.verdict, found.note) == (Verdict.INCONCLUSIVE, "no exact instructions: it takes 2 s")
    assert found.candidate is None


@pytest.mark.parametrize(
    "count",
    [
        Count(benchmark="b", metric="instructions", requests=5, base=[], candidate=[]),
        Count(benchmark="b", metric="instructions", requests=5, base=[1.0], candidate=[]),
        Count(benchmark="b", metric="instructions", requests=5, base=[1.0] * 3, candidate=[1.0] * 2),
        Count(benchmark="b", metric="instructions", requests=5, base=[0.0] * 3, candidate=[1.0] * 3),
        Count(benchmark="b", metric="instructions", requests=5, base=[-1.0] * 3, candidate=[1.0] * 3),
        Count(benchmark="b", metric="instructions", requests=5, base=[float("nan")] * 3, candidate=[1.0] * 3),
        Count(benchmark="b", metric="instructions", requests=0, base=[1.0] * 3, candidate=[1.0] * 3),
    ],
)
def test_damaged_counts_are_invalid(count):
    (found,) = exact_comparisons([count], Policy())
    assert found.verdict is Verdict.INVALID
    assert found.note


def test_an_open_time_says_what_the_instructions_say():
    time = Comparison("b", "wall", Kind.PAIRED, Verdict.INCONCLUSIVE, note="3 blocks")
    decided = Comparison("c", "wall", Kind.PAIRED, Verdict.OK)
    exact = compared([0.0] * 3)
    both = beside_times([time, decided, exact])
    assert both[0].note == "time: cannot tell; instructions: +0.00%; 3 blocks"
    assert both[1:] == [decided, exact]
    assert beside_times([time, compared([0.0, 0.0, 2.0])])[0] == time
