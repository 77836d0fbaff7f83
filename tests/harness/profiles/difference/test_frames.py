"""Differential profiles: what is unchanged is not called changed, what is changed is, and everything adds up."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles.capture.pyspy_text import sort_stacks
from harness.profiles.difference.counts import Counts, compare_counted, compare_sampled
from harness.profiles.difference.discovery import benjamini_hochberg, two_sided_p
from harness.profiles.difference.finding import Finding, samples_needed
from harness.profiles.difference.frames import ProfiledRun, compare_frames
from harness.profiles.difference.timed import CAUTION
from harness.profiles.stacks.folded import Profile
from tests.support.difference import profiles

MAIN = ("operation:get", "main (app.py)")
WEIGHTS_MS = {
    (*MAIN, "parse (app.py)"): 3.0,
    (*MAIN, "query (db.py)", "send (net.py)"): 5.0,
    (*MAIN, "query (db.py)", "decode (net.py)"): 1.0,
    (*MAIN, "render (app.py)"): 4.0,
    ("operation:put", "main (app.py)", "store (db.py)"): 2.0,
}
REQUESTS = {"get": 1000, "put": 500}


def sampled(rng, rate_hz=100.0, times=1, spread=0.0, weights=WEIGHTS_MS):
    """One run: Poisson counts around the true ms per request, each frame moved by its own noise of the day."""
    requests = {name: count * times for name, count in REQUESTS.items()}
    stacks = {
        stack: rng.poisson(
            ms * 1e-3 * requests[stack[0].removeprefix("operation:")] * rate_hz * gamma(rng, spread)
        )
        for stack, ms in weights.items()
    }
    return ProfiledRun(Profile("samples", stacks), requests, 1e9 / rate_hz)


def gamma(rng, spread):
    return rng.gamma(1 / spread**2, spread**2) if spread else 1.0


def runs(seed, count=6, **how):
    rng = np.random.default_rng(seed)
    return [sampled(rng, **how) for _ in range(count)]


def findings(before, after):
    return {
        (row.operation, row.frame.partition(" ")[0]): (row.own.finding, row.whole.finding)
        for row in compare_frames(before, after)
    }


def coloured(before, after):
    return [key for key, found in findings(before, after).items() if any(f.is_coloured for f in found)]


def test_a_profile_against_itself_has_no_change():
    for side in (runs(1), runs(1, count=1)):
        rows = compare_frames(side, side)
        assert {row.own.change for row in rows} == {row.whole.change for row in rows} == {0}
        assert coloured(side, side) == []


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize(
    "how", [{"rate_hz": 1000.0}, {"times": 2}], ids=["10 times the rate", "twice as long"]
)
def test_rate_and_length_of_a_run_are_no_change(count, how):
    rows = compare_frames(runs(2, count), runs(3, count, **how))
    assert [row.frame for row in rows if row.own.finding.is_coloured or row.whole.finding.is_coloured] == []
    heavy = next(row for row in rows if row.frame.startswith("send"))
    assert heavy.own.before == pytest.approx(5e6, rel=0.15)
    assert heavy.own.after == pytest.approx(5e6, rel=0.15)


def test_another_checkout_and_shifted_lines_are_no_change():
    text = "operation:get (/x/harness/profiles/stacks/marker.py:1);main (/home/{0}/src/app.py:{1});parse (/home/{0}/src/app.py:{2}) 40"
    before, after = (
        ProfiledRun(sort_stacks(text.format(*place), [f"/home/{place[0]}/src"]).profile, {"get": 10})
        for place in (("ann", 10, 20), ("bob/copy", 14, 29))
    )
    rows = compare_frames([before], [after])
    assert [row.frame for row in rows] == ["main (app.py)", "parse (app.py)"]
    assert {row.own.change for row in rows} == {0}


def test_one_slower_function_is_found_alone_and_its_callers_with_what_they_call():
    slower = {**WEIGHTS_MS, (*MAIN, "query (db.py)", "send (net.py)"): 8.0}
    found = findings(runs(4, rate_hz=1000.0), runs(5, rate_hz=1000.0, weights=slower))
    changed = {key: tuple(f is Finding.CHANGED for f in pair) for key, pair in found.items()}
    assert changed == {
        ("get", "send"): (True, True),
        ("get", "query"): (False, True),
        ("get", "main"): (False, True),
        ("get", "parse"): (False, False),
        ("get", "render"): (False, False),
        ("get", "decode"): (False, False),
        ("put", "main"): (False, False),
        ("put", "store"): (False, False),
    }


def test_a_new_function_and_a_removed_one_are_changes():
    other = {**WEIGHTS_MS, (*MAIN, "validate (app.py)"): 4.0}
    del other[(*MAIN, "parse (app.py)")]
    found = findings(runs(6), runs(7, weights=other))
    assert found["get", "validate"] == found["get", "parse"] == (Finding.CHANGED, Finding.CHANGED)


def test_one_run_a_side_never_says_changed_nor_the_same():
    slower = {stack: 3 * weight for stack, weight in WEIGHTS_MS.items()}
    for after in (runs(8, 1, weights=slower), runs(9, 1), runs(9, 1, rate_hz=1e5)):
        said = {finding for pair in findings(runs(10, 1, rate_hz=1e5), after).values() for finding in pair}
        assert said <= {Finding.BEYOND_SAMPLING, Finding.CANNOT_TELL}
    # Four runs are too few as well: what they differ by among themselves is hardly known.
    assert Finding.CHANGED not in {
        finding for pair in findings(runs(8, 4, weights=slower), runs(9, 4)).values() for finding in pair
    }


def test_many_samples_say_that_a_frame_is_the_same():
    found = findings(runs(11, rate_hz=20_000.0, spread=0.01), runs(12, rate_hz=20_000.0, spread=0.01))
    assert found["get", "send"] == (Finding.SAME, Finding.SAME)


def test_few_samples_tell_nothing():
    found = findings(runs(13, rate_hz=0.2), runs(14, rate_hz=0.2))
    assert {finding for pair in found.values() for finding in pair} == {Finding.CANNOT_TELL}


@given(st.integers(0, 10**6), st.sampled_from([1, 5]))
def test_swapped_sides_flip_the_signs_and_nothing_else(seed, count):
    slower = {**WEIGHTS_MS, (*MAIN, "render (app.py)"): 6.0}
    one, two = runs(seed, count, spread=0.1), runs(seed + 1, count, spread=0.1, weights=slower)
    forth = {(row.operation, row.frame): row for row in compare_frames(one, two)}
    back = {(row.operation, row.frame): row for row in compare_frames(two, one)}
    assert forth.keys() == back.keys()
    for key, row in forth.items():
        for a, b in ((row.own, back[key].own), (row.whole, back[key].whole)):
            assert (a.before, a.after, a.finding, a.samples) == (b.after, b.before, b.finding, b.samples)
            assert (a.low, a.high) == pytest.approx((-b.high, -b.low), rel=1e-9, abs=1e-6)


@given(profiles, profiles)
def test_own_weights_add_up_to_the_total_of_each_side(one, two):
    rows = compare_frames([ProfiledRun(one, {"": 1})], [ProfiledRun(two, {"": 1})])
    assert sum(row.own.before for row in rows) == pytest.approx(one.total)
    assert sum(row.own.after for row in rows) == pytest.approx(two.total)


def test_a_driver_that_differs_from_run_to_run_hides_no_change_of_an_operation():
    def runs(slow, wild):
        return [
            ProfiledRun(
                Profile("samples", {("operation:a", "slow"): slow + n % 3, ("operation:a", "same"): 100 + n % 2,
                                    ("(driver)", "start"): wild[n], ("(driver)", "loop"): wild[n - 1]}),
                {"a": 100},
            )
            for n in range(5)
        ]  # fmt: skip

    rows = compare_frames(runs(100, [1, 300, 5, 80, 900]), runs(150, [700, 2, 90, 400, 3]))
    found = {row.frame: row.own.finding for row in rows}
    assert found["slow"] == Finding.CHANGED
    assert {found["start"], found["loop"]} == {Finding.CANNOT_TELL}


def test_what_is_called_changed_has_an_interval_without_zero():
    # Runs that differ so much among themselves that only the test, under no change, sees a difference.
    wild = [5, 10, 30, 130, 325]
    found = compare_sampled(
        Counts(np.array([[100] * 5, wild], float), np.ones((2, 5))),
        Counts(np.array([[3000] * 5, wild[::-1]], float), np.ones((2, 5))),
    )
    assert found.discovery[0] < 0.05
    assert found.low[0] < 0 < found.high[0]
    assert found.findings[0] == Finding.CANNOT_TELL


def test_no_change_rests_on_one_run():
    calm = [[100, 101, 99, 100, 100]] * 5
    burst = compare_sampled(
        Counts(np.array([[40, 0, 0, 0, 0], *calm], float), np.ones((6, 5))),
        Counts(np.array([[0, 0, 0, 0, 0], *calm], float), np.ones((6, 5))),
    )
    steady = compare_sampled(
        Counts(np.array([[8, 9, 7, 8, 8], *calm], float), np.ones((6, 5))),
        Counts(np.array([[0, 0, 0, 0, 0], *calm], float), np.ones((6, 5))),
    )
    # By their sums they are equal.
    assert (burst.before[0], burst.after[0]) == (steady.before[0], steady.after[0])
    assert (burst.findings[0], steady.findings[0]) == (Finding.CANNOT_TELL, Finding.CHANGED)


FIVE = np.ones((1, 5))


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        ([7, 7, 7, 7, 7], [8, 8, 8, 8, 8], Finding.CHANGED),
        ([7, 7, 7, 7, 7], [7, 7, 7, 7, 7], Finding.SAME),
        ([0, 0, 0, 0, 0], [1, 1, 1, 1, 1], Finding.CHANGED),
        ([100, 101, 102, 103, 104], [100, 101, 102, 103, 104], Finding.SAME),
        (
            [100, 101, 102, 103, 104],
            [105, 106, 107, 108, 109],
            Finding.CANNOT_TELL,
        ),  # Less than the least effect.
        ([100, 110, 120, 130, 140], [141, 150, 160, 170, 180], Finding.CHANGED),  # One way of 252, twice.
        ([100, 110, 120, 130, 142], [141, 150, 160, 170, 180], Finding.CANNOT_TELL),
    ],
)
def test_what_is_counted_in_rounds_changed_where_no_round_of_the_other_side_counts_as_much(
    before, after, finding
):
    sides = (Counts(np.array([side], float), FIVE) for side in (before, after))
    found = compare_counted(*sides)
    assert found.findings == [finding]
    assert (found.low[0], found.high[0]) == (min(after) - max(before), max(after) - min(before))


def test_many_noisy_counts_are_not_told_apart_by_the_one_of_them_that_chance_divides():
    noisy = np.array([[100, 140, 120, 130, 110]] * 40, float)
    divided = noisy.copy()
    divided[0] += 100
    found = compare_counted(*(Counts(side, np.ones(noisy.shape)) for side in (noisy, divided)))
    assert set(found.findings) == {Finding.CANNOT_TELL}


def test_what_is_counted_differs_or_is_the_same():
    one = ProfiledRun(Profile("allocations", {("operation:a", "f"): 40, ("operation:a", "g"): 7}), {"a": 10})
    two = ProfiledRun(Profile("allocations", {("operation:a", "f"): 50, ("operation:a", "g"): 7}), {"a": 10})
    rows = {row.frame: row.own for row in compare_frames([one], [two])}
    assert (rows["f"].finding, rows["f"].low, rows["f"].high) == (Finding.DIFFERS, 1.0, 1.0)
    assert rows["g"].finding is Finding.SAME


@pytest.mark.parametrize("runs_a_side", [1, 6])
@pytest.mark.parametrize(("before", "after"), [(1000.0, 1051.0), (1051.0, 1000.0)])
def test_the_least_effect_is_a_share_of_the_larger_side_whichever_that_is(runs_a_side, before, after):
    # 51 is more than 5 % of 1000 and less than 5 % of 1051.
    one, two = (
        Counts(np.full((1, runs_a_side), weight * 1e9), np.full((1, runs_a_side), 1e9))
        for weight in (before, after)
    )
    assert compare_counted(one, two).findings == [Finding.SAME]
    told = Finding.SAME if runs_a_side > 1 else Finding.CANNOT_TELL
    assert compare_sampled(one, two).findings == [told]


def test_sides_that_do_not_fit_are_refused():
    one = ProfiledRun(Profile("samples", {("a",): 1}), {"a": 1})
    with pytest.raises(ValueError, match="one unit"):
        compare_frames([one], [ProfiledRun(Profile("bytes", {("a",): 1}), {"a": 1})])
    with pytest.raises(ValueError, match="both sides"):
        compare_frames([one], [])
    none = Counts(np.zeros((1, 0)), np.zeros((1, 0)))
    for compare in (compare_sampled, compare_counted):
        with pytest.raises(ValueError, match="a run"):
            compare(none, none)


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_false_discoveries_stay_at_the_claimed_rate(spread):
    """200 sessions of 60 frames, a tenth of them changed, overdispersed as the day makes them: 5 % or fewer are false."""
    rng = np.random.default_rng(20)
    false, found, sessions = 0.0, 0, 200
    for _ in range(sessions):
        means = np.exp(rng.normal(4.5, 1.2, 60))
        effect = np.where(np.arange(60) < 6, 2.0, 1.0)
        sides = [
            Counts(
                rng.poisson((means * factor)[:, None] * gamma_table(rng, spread, (60, 5))).astype(float),
                np.ones((60, 5)),
            )
            for factor in (np.ones(60), effect)
        ]
        said = [f is Finding.CHANGED for f in compare_sampled(*sides).findings]
        false += sum(said[6:]) / max(sum(said), 1)
        found += sum(said[:6])
    # Half of 200 sessions with a standard error of about one point: 5 % claimed, so 8 % would be a broken claim.
    assert false / sessions < 0.07
    assert found / (6 * sessions) > 0.8


def gamma_table(rng, spread, shape):
    return rng.gamma(1 / spread**2, spread**2, shape) if spread else np.ones(shape)


def test_without_dispersion_the_same_noise_would_be_called_change():
    """The known wrong way: pooled samples know only of sampling."""
    rng = np.random.default_rng(21)
    sides = [
        Counts(rng.poisson(2000 * gamma_table(rng, 0.15, (60, 5))).astype(float), np.ones((60, 5)))
        for _ in range(2)
    ]
    pooled = compare_sampled(*(side.pooled() for side in sides))
    assert sum(f is Finding.BEYOND_SAMPLING for f in pooled.findings) > 20
    tested = compare_sampled(*sides)
    assert sum(f is Finding.CHANGED for f in tested.findings) <= 3
    assert tested.dispersion == pytest.approx(0.15**2, rel=0.2)


def test_intervals_hold_the_true_change():
    rng = np.random.default_rng(22)
    inside = 0
    for _ in range(50):
        sides = [
            Counts(rng.poisson(m * gamma_table(rng, 0.1, (40, 5))).astype(float), np.ones((40, 5)))
            for m in (300, 400)
        ]
        compared = compare_sampled(*sides)
        inside += int(((compared.low <= 100) & (compared.high >= 100)).sum())
    assert 0.93 < inside / 2000 < 0.98


@pytest.mark.parametrize(("effect", "samples"), [(0.4, 98), (0.13, 928), (0.04, 9800)])
def test_the_samples_that_it_would_take(effect, samples):
    assert samples_needed(effect) == samples


def test_student_deviates_are_those_of_the_tables():
    assert two_sided_p(np.array([2.306, -5.041]), 8) == pytest.approx([0.05, 0.001], rel=0.02)


def test_benjamini_hochberg_is_that_of_the_textbook():
    adjusted = benjamini_hochberg(np.array([0.01, np.nan, 0.04, 0.03, 0.5]))
    assert adjusted[[0, 2, 3, 4]] == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert math.isnan(adjusted[1])


def test_a_hundred_thousand_stacks_a_side_are_compared():
    rng = random.Random(3)
    pool = [f"Class{i}.method_{i} (package{i % 40}/module_{i % 300}.py)" for i in range(4000)]
    paths = [tuple(rng.choice(pool) for _ in range(25)) for _ in range(900)]
    sides = [
        ProfiledRun(
            Profile(
                "samples",
                {
                    ("operation:a", *rng.choice(paths), rng.choice(pool)): rng.randrange(1, 50)
                    for _ in range(100_000)
                },
            ),
            {"a": 1000},
        )
        for _ in range(2)
    ]
    rows = compare_frames(*[[side] for side in sides])
    assert len(rows) == 4000
    assert sum(row.own.before for row in rows) == pytest.approx(sides[0].profile.total / 1000)


@pytest.mark.parametrize(
    ("factor", "finding"),
    [
        (1.0, Finding.CANNOT_TELL),
        (CAUTION * 0.99, Finding.CANNOT_TELL),
        (1 / CAUTION * 1.01, Finding.CANNOT_TELL),
        (CAUTION * 1.01, Finding.DIFFERS),
        (0.5, Finding.DIFFERS),
        (0.0, Finding.DIFFERS),
    ],
)
def test_a_measured_time_of_one_run_a_side_differs_by_half_or_cannot_be_told(factor, finding):
    before = ProfiledRun(Profile("ns", {("operation:get", "recv (net.py)"): 1e9}), {"get": 100})
    after = ProfiledRun(Profile("ns", {("operation:get", "recv (net.py)"): 2e9 * factor}), {"get": 200})
    (row,) = compare_frames([before], [after])
    assert (row.own.before, row.own.after) == pytest.approx((1e7, 1e7 * factor))
    assert row.own.finding == row.whole.finding == finding


def test_what_hardly_took_any_time_differs_by_no_factor():
    stacks = {("operation:get", "recv (net.py)"): 1e9, ("operation:get", "lock (pool.py)"): 1e5}
    before = ProfiledRun(Profile("ns", stacks), {"get": 100})
    after = ProfiledRun(
        Profile("ns", {stack: 2 * time_ns for stack, time_ns in stacks.items()}), {"get": 100}
    )
    found = {row.frame: row.own.finding for row in compare_frames([before], [after])}
    assert found == {"recv (net.py)": Finding.DIFFERS, "lock (pool.py)": Finding.CANNOT_TELL}
