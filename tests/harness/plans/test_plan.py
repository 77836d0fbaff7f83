"""Plans: exact counts, the right places, the same for the same seed."""

import dataclasses
import functools
import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.clock import NS_PER_S
from harness.errors import UsageError
from harness.model import Arrivals, Executor, Outcome, Scenario, Stage
from harness.plans.plan import MAX_PAYLOADS, check_size, choose, intended_ns, planned_table, spans
from harness.plans.span import Span
from harness.table import calls
from scenarios.catalogue import SCENARIOS

STAGES = st.lists(
    st.builds(
        Stage,
        label=st.just("stage"),
        share=st.floats(0.05, 3.0),
        start=st.floats(0.0, 5.0),
        end=st.floats(0.0, 5.0),
    ),
    min_size=1,
    max_size=5,
)
RATES = st.floats(0.5, 400.0)
DURATIONS = st.floats(0.05, 5.0)
WARMUPS = st.sampled_from([0.0, 0.3, 2.0])
KINDS = st.sampled_from(list(Arrivals))
SEEDS = st.integers(0, 2**32)
FEW = settings(max_examples=150, deadline=None)


def plan_of(stages, rate_per_s=100.0, duration_s=10.0, warmup_s=0.0):
    return spans(Scenario("s", "", stages=tuple(stages)), rate_per_s, duration_s, warmup_s)


def times_of(plan, arrivals=Arrivals.UNIFORM, seed=1):
    return intended_ns(plan, arrivals, np.random.default_rng(seed))


def area_until(span, time_s):
    """The integral of the rate from the start of the span, by the trapezoid that a linear rate makes."""
    moved = time_s - span.start_s
    slope = (span.end_rate_per_s - span.start_rate_per_s) / (span.end_s - span.start_s)
    return span.start_rate_per_s * moved + slope * moved**2 / 2


def slices_of(plan, times_ns):
    """The arrivals of each span, told apart by the running counts: warm-up first, then the measured spans."""
    ordered = sorted(plan, key=lambda span: not span.warmup)
    start, found = 0, []
    for group in (True, False):
        area, base = 0.0, start
        for span in (span for span in ordered if span.warmup is group):
            area += span.area
            end = base + round(area)
            found.append((span, times_ns[start:end]))
            start = end
    assert start == len(times_ns)
    return found


@FEW
@given(STAGES, RATES, DURATIONS, WARMUPS, KINDS, SEEDS)
def test_every_span_holds_the_rounded_running_integral_of_its_rate(
    stages, rate, duration, warmup, kind, seed
):
    plan = plan_of(stages, rate, duration, warmup)
    for span, times_ns in slices_of(plan, times_of(plan, kind, seed)):
        assert np.all(times_ns >= round(span.start_s * NS_PER_S))
        assert np.all(times_ns < round(span.end_s * NS_PER_S))


@FEW
@given(STAGES, RATES, DURATIONS, WARMUPS, KINDS, SEEDS)
def test_nothing_drifts_over_the_stages(stages, rate, duration, warmup, kind, seed):
    plan = plan_of(stages, rate, duration, warmup)
    times_ns = times_of(plan, kind, seed)
    whole = sum(span.area for span in plan if not span.warmup)
    assert abs(int((times_ns >= 0).sum()) - whole) <= 0.5 + 1e-6


@FEW
@given(STAGES, RATES, DURATIONS, WARMUPS, KINDS, SEEDS)
def test_arrivals_come_in_order(stages, rate, duration, warmup, kind, seed):
    times_ns = times_of(plan_of(stages, rate, duration, warmup), kind, seed)
    assert np.all(np.diff(times_ns) >= 0)


@FEW
@given(STAGES, RATES, DURATIONS, KINDS, SEEDS)
def test_the_same_seed_makes_the_same_plan(stages, rate, duration, kind, seed):
    plan = plan_of(stages, rate, duration)
    assert np.array_equal(times_of(plan, kind, seed), times_of(plan, kind, seed))


def test_another_seed_makes_another_plan():
    plan = plan_of([Stage("steady", 1.0)])
    assert not np.array_equal(times_of(plan, Arrivals.POISSON, 1), times_of(plan, Arrivals.POISSON, 2))


@FEW
@given(STAGES, RATES, DURATIONS)
def test_uniform_arrivals_cut_the_area_of_a_span_into_equal_parts(stages, rate, duration):
    plan = plan_of(stages, rate, duration)
    for span, times_ns in slices_of(plan, times_of(plan)):
        count = len(times_ns)
        wanted = (np.arange(count) + 0.5) / max(count, 1) * span.area
        # One ns of rounding moves the area by the rate.
        tolerance = max(span.start_rate_per_s, span.end_rate_per_s) * 2e-9 + span.area * 1e-6
        assert np.all(np.abs(area_until(span, times_ns / NS_PER_S) - wanted) <= tolerance)


def test_a_constant_rate_is_a_comb():
    assert times_of(plan_of([Stage("steady", 1.0)], 4.0, 1.0)).tolist() == [
        125_000_000,
        375_000_000,
        625_000_000,
        875_000_000,
    ]


def test_a_ramp_from_nothing_follows_the_square_root():
    times_ns = times_of(plan_of([Stage("ramp", 1.0, 0.0, 1.0)], 100.0, 4.0))
    assert len(times_ns) == 200
    assert np.allclose(times_ns / NS_PER_S, 4.0 * np.sqrt((np.arange(200) + 0.5) / 200), atol=2e-9)


def test_a_ramp_down_to_nothing_mirrors_a_ramp_up():
    up = times_of(plan_of([Stage("up", 1.0, 0.0, 1.0)], 100.0, 4.0)) / NS_PER_S
    down = times_of(plan_of([Stage("down", 1.0, 1.0, 0.0)], 100.0, 4.0)) / NS_PER_S
    assert np.allclose(down, 4.0 - up[::-1], atol=4e-9)


def test_three_stages_of_a_third_of_a_call_make_one_call():
    plan = tuple(Span("s", i / 3, (i + 1) / 3, 1.0, 1.0) for i in range(3))
    assert len(times_of(plan)) == 1


def test_a_stage_of_rate_nothing_holds_no_call():
    plan = plan_of([Stage("on", 1.0), Stage("off", 1.0, 0.0, 0.0), Stage("on", 1.0)], 30.0, 3.0)
    times_ns = times_of(plan, Arrivals.POISSON)
    assert len(times_ns) == 60
    assert not np.any((times_ns >= NS_PER_S) & (times_ns < 2 * NS_PER_S))


def test_an_arrival_that_rounds_to_the_end_of_its_span_stays_inside():
    class AlmostOne:
        def random(self, count):
            return np.full(count, np.nextafter(1.0, 0.0))

    times_ns = intended_ns(plan_of([Stage("steady", 1.0)], 2.0, 1.0, 1.0), Arrivals.POISSON, AlmostOne())
    assert times_ns.tolist() == [-1, -1, NS_PER_S - 1, NS_PER_S - 1]


@pytest.mark.parametrize("seed", range(5))
def test_poisson_arrivals_have_the_exact_count_and_the_spread_of_a_poisson_process(seed):
    times_ns = times_of(plan_of([Stage("steady", 1.0)], 1000.0, 10.0), Arrivals.POISSON, seed)
    assert len(times_ns) == 10_000
    by_second = np.bincount(times_ns // NS_PER_S, minlength=10)
    # Of a multinomial with 1,000 expected in each of ten bins: the standard deviation is 30.
    assert np.all(np.abs(by_second - 1000) < 150)
    gaps_s = np.diff(times_ns) / NS_PER_S
    # Exponential gaps of 1 ms: as wide as their mean; a comb would have none.
    assert 0.9 < np.std(gaps_s) / np.mean(gaps_s) < 1.1


@FEW
@given(STAGES, RATES, DURATIONS, st.floats(0.1, 3.0))
def test_warm_up_comes_before_time_zero_and_takes_nothing_from_the_measured_time(
    stages, rate, duration, warmup
):
    plain, warmed = plan_of(stages, rate, duration), plan_of(stages, rate, duration, warmup)
    assert warmed[1:] == plain
    assert warmed[0].warmup
    assert (warmed[0].start_s, warmed[0].end_s) == (-warmup, 0.0)
    assert warmed[0].start_rate_per_s == warmed[0].end_rate_per_s > 0
    times_ns = times_of(warmed)
    assert np.array_equal(times_ns[times_ns >= 0], times_of(plain))
    assert int((times_ns < 0).sum()) == round(warmed[0].area)


@FEW
@given(STAGES, RATES, DURATIONS)
def test_stages_follow_one_another_and_fill_the_duration(stages, rate, duration):
    plan = plan_of(stages, rate, duration)
    assert plan[0].start_s == 0.0
    assert plan[-1].end_s == pytest.approx(duration, rel=1e-12)
    assert all(one.end_s == two.start_s for one, two in itertools.pairwise(plan))
    shares = np.array([stage.share for stage in stages])
    lengths = np.array([span.end_s - span.start_s for span in plan])
    assert np.allclose(lengths, duration * shares / shares.sum(), rtol=1e-9, atol=1e-12)


def test_the_planned_table_says_that_nothing_has_started():
    scenario = Scenario("s", "", arrivals=Arrivals.UNIFORM)
    plan = spans(scenario, 100.0, 2.0, 1.0)
    table = planned_table(scenario, plan, {"a": 3.0, "b": 1.0}, seed=5)
    assert table.dtype == calls.DTYPE
    assert len(table) == 300
    assert np.array_equal(table["intended_ns"], times_of(plan))
    assert set(table["outcome"].tolist()) == {Outcome.NEVER_STARTED}
    assert set(table["run_ns"].tolist()) == set(table["wait_busy_ns"].tolist()) == {-1}
    assert not table["dispatched_ns"].any()
    assert np.array_equal(table, planned_table(scenario, plan, {"a": 3.0, "b": 1.0}, seed=5))


def test_operations_are_drawn_by_weight():
    operation, _ = choose(40_000, {"a": 3.0, "b": 1.0, "c": 0.0001}, np.random.default_rng(3))
    assert np.bincount(operation, minlength=3)[:2] / 40_000 == pytest.approx([0.75, 0.25], abs=0.01)


@FEW
@given(st.integers(0, 3000), st.integers(1, 4), SEEDS)
def test_each_operation_takes_its_events_in_turn(count, kinds, seed):
    operation, payload = choose(count, dict.fromkeys("abcd"[:kinds], 1.0), np.random.default_rng(seed))
    for index in range(kinds):
        mine = payload[operation == index]
        assert np.array_equal(mine, np.arange(len(mine)) % MAX_PAYLOADS)


def test_more_calls_than_events_begin_again_with_the_first():
    _, payload = choose(MAX_PAYLOADS + 2, {"a": 1.0}, np.random.default_rng(1))
    assert payload[-3:].tolist() == [MAX_PAYLOADS - 1, 0, 1]


@pytest.mark.parametrize(
    ("rate", "duration", "sentence"),
    [
        (1_000_001.0, 1.0, r"rate of 1,000,001/s cannot be driven.*--rate"),
        (1_000_000.0, 201.0, r"201,000,000 calls; the most is 200,000,000.*--duration"),
        (0.4, 1.0, r"no call.*Raise"),
    ],
)
def test_a_plan_that_no_run_could_hold_is_refused(rate, duration, sentence):
    with pytest.raises(UsageError, match=sentence):
        check_size(plan_of([Stage("steady", 1.0)], rate, duration))


def test_calls_of_warm_up_alone_are_no_plan():
    with pytest.raises(UsageError, match="no call"):
        check_size(plan_of([Stage("steady", 1.0)], 0.4, 1.0, warmup_s=100.0))


def test_the_peak_of_a_spike_counts_against_the_highest_rate():
    with pytest.raises(UsageError, match="cannot be driven"):
        check_size(plan_of([Stage("quiet", 1.0), Stage("spike", 0.1, 1.0, 5.0)], 300_000.0, 1.0))


def test_what_fits_is_not_refused():
    check_size(plan_of([Stage("steady", 1.0)], 1_000_000.0, 20.0))
    check_size(plan_of([Stage("steady", 1.0)], 1.0, 1.0))


@FEW
@given(STAGES, STAGES, RATES, DURATIONS, st.floats(0.1, 3.0), KINDS, SEEDS)
def test_stages_of_warm_up_take_its_time_by_their_shares_and_nothing_else(
    warming, stages, rate, duration, warmup, kind, seed
):
    flagged = [dataclasses.replace(stage, warmup=True) for stage in warming]
    plan = plan_of([*flagged, *stages], rate, duration, warmup)
    assert [span.warmup for span in plan] == [True] * len(flagged) + [False] * len(stages)
    assert plan[0].start_s == -warmup
    assert plan[len(flagged)].start_s == 0.0
    assert plan[len(flagged) :] == plan_of(stages, rate, duration)
    for span, times_ns in slices_of(plan, times_of(plan, kind, seed)):
        assert np.all(
            (times_ns >= round(span.start_s * NS_PER_S)) & (times_ns < round(span.end_s * NS_PER_S))
        )
    assert plan_of([*flagged, *stages], rate, duration) == plan_of(stages, rate, duration)


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS.values() if s.executor is Executor.OPEN])
def test_every_scenario_of_the_catalogue_holds_the_integral_of_its_rate(scenario):
    plan = spans(scenario, 100.0, 40.0, 5.0)
    for span, times_ns in slices_of(plan, times_of(plan, Arrivals.POISSON)):
        assert len(times_ns) == round(span.area)


def test_a_stage_carries_its_limits_into_the_plan():
    plan = plan_of([Stage("a", 1.0, slo="p99<25ms"), Stage("b", 1.0)])
    assert [span.slo for span in plan] == ["p99<25ms", ""]


@pytest.mark.parametrize("arrivals", [Arrivals.UNIFORM, Arrivals.POISSON])
def test_a_long_stage_is_placed_in_blocks_with_the_same_counts_and_the_same_spread(monkeypatch, arrivals):
    plan = (Span("ramp", 0.0, 10.0, 500.0, 1500.0), Span("steady", 10.0, 20.0, 1000.0, 1000.0))
    whole = intended_ns(plan, arrivals, np.random.default_rng(3))
    monkeypatch.setattr("harness.plans.plan._BLOCK_ROWS", 97)
    parts = intended_ns(plan, arrivals, np.random.default_rng(3))
    assert len(parts) == len(whole) == 20_000
    assert (np.diff(parts) >= 0).all()
    assert (parts < 10e9).sum() == 10_000
    if arrivals is Arrivals.UNIFORM:
        assert np.array_equal(parts, whole)
    else:
        # Gaps of a Poisson process vary as much as they are long; blocks of equal counts would vary less at their edges.
        gaps = np.diff(parts[parts >= 10e9])
        assert gaps.std() / gaps.mean() == pytest.approx(1.0, abs=0.05)
        by_second = np.bincount((parts[parts >= 10e9] - 10 * 10**9) // 10**8, minlength=100)
        assert by_second.var() / by_second.mean() == pytest.approx(1.0, abs=0.5)


def test_operations_and_payloads_of_a_long_plan_are_those_of_one_draw(monkeypatch):
    scenario = Scenario("s", "", arrivals=Arrivals.UNIFORM)
    plan = spans(scenario, 1000.0, 10.0, 1.0)
    whole = planned_table(scenario, plan, {"a": 3.0, "b": 1.0}, seed=5)
    monkeypatch.setattr("harness.plans.plan._BLOCK_ROWS", 97)
    assert np.array_equal(planned_table(scenario, plan, {"a": 3.0, "b": 1.0}, seed=5), whole)


def test_a_long_plan_is_written_without_being_held_in_memory(tmp_path):
    scenario = Scenario("s", "", arrivals=Arrivals.POISSON)

    def peak_bytes(rate_per_s):
        plan = spans(scenario, rate_per_s, 10.0, 1.0)
        place = functools.partial(calls.create, tmp_path / "calls.npy")
        tracemalloc.start()
        table = planned_table(scenario, plan, {"a": 3.0, "b": 1.0}, 5, make=place)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(table) == 11 * rate_per_s
        assert np.array_equal(np.load(tmp_path / "calls.npy"), table)
        return peak

    assert peak_bytes(100_000) < 1.5 * peak_bytes(10_000)
