"""Histograms against NumPy on the raw values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.table.histogram import PERCENTILES, Histogram, bucket_low, bucket_middle, bucket_of

# Every size from one ns to 52 days, not only the large ones that a plain integer strategy prefers.
VALUES = st.builds(lambda bits, value: value >> (52 - bits), st.integers(0, 52), st.integers(0, 2**52))
MANY = st.lists(VALUES, min_size=1, max_size=300)
SHARES = st.one_of(st.sampled_from(list(PERCENTILES.values())), st.floats(0.001, 1.0))
EXAMPLES = settings(max_examples=300, deadline=None)


def array(values):
    return np.array(values, np.int64)


def nearest_rank(values, share):
    """The definition: the smallest value that at least `share` of all do not exceed."""
    return sorted(values)[max(math.ceil(share * len(values) - 1e-9), 1) - 1]


@EXAMPLES
@given(MANY, SHARES)
def test_a_percentile_is_within_half_a_percent_of_the_nearest_rank(values, share):
    wanted = nearest_rank(values, share)
    assert abs(Histogram.of(array(values)).percentile(share) - wanted) <= 0.005 * wanted


@given(MANY)
def test_the_nearest_rank_is_numpys(values):
    for share in PERCENTILES.values():
        if not float(share * len(values)).is_integer():
            assert nearest_rank(values, share) == np.percentile(values, share * 100, method="inverted_cdf")


@EXAMPLES
@given(MANY, st.lists(SHARES, min_size=2, max_size=20))
def test_percentiles_never_fall_and_never_leave_the_range(values, shares):
    histogram = Histogram.of(array(values))
    found = [histogram.percentile(share) for share in sorted(shares)]
    assert found == sorted(found)
    assert min(values) <= found[0]
    assert found[-1] <= max(values)


@EXAMPLES
@given(MANY)
def test_count_sum_extremes_and_mean_are_exact(values):
    histogram = Histogram.of(array(values))
    assert (histogram.count, histogram.total) == (len(values), sum(values))
    assert (histogram.low, histogram.high) == (min(values), max(values))
    assert histogram.mean == sum(values) / len(values)
    assert histogram.percentile(1.0) == max(values)


@given(st.lists(st.lists(VALUES, max_size=60), max_size=6))
def test_merging_is_the_same_as_counting_together(parts):
    merged = Histogram.merge(Histogram.of(array(part)) for part in parts)
    together = Histogram.of(array([value for part in parts for value in part]))
    assert merged == together
    assert merged.buckets.tobytes() == together.buckets.tobytes()
    assert merged.counts.tobytes() == together.counts.tobytes()


@given(MANY, MANY, MANY)
def test_the_order_of_merging_changes_nothing(one, two, three):
    a, b, c = (Histogram.of(array(values)) for values in (one, two, three))
    assert Histogram.merge([Histogram.merge([a, b]), c]) == Histogram.merge([c, Histogram.merge([b, a])])


@EXAMPLES
@given(VALUES)
def test_a_value_lies_in_its_bucket(value):
    bucket = bucket_of(array([value]))
    assert bucket_low(bucket)[0] <= value < bucket_low(bucket + 1)[0]
    assert bucket_low(bucket)[0] <= bucket_middle(bucket)[0] < bucket_low(bucket + 1)[0]


def test_buckets_follow_one_another_without_gap_or_overlap():
    # All buckets up to 2**52: each begins where the one before ends, and bucket_of is their inverse.
    buckets = np.arange(int(bucket_of(array([2**52]))[0]) + 1)
    low = bucket_low(buckets)
    assert low[0] == 0
    assert np.all(np.diff(low) > 0)
    assert np.array_equal(bucket_of(low), buckets)
    assert np.array_equal(bucket_of(low[1:] - 1), buckets[:-1])


def test_values_below_256_ns_are_kept_exactly():
    values = np.arange(256)
    assert np.array_equal(bucket_middle(bucket_of(values)), values)


def test_the_largest_value_is_held():
    histogram = Histogram.of(array([0, 2**52]))
    assert (histogram.low, histogram.high, histogram.total) == (0, 2**52, 2**52)
    assert histogram.percentile(0.5) == 0
    assert histogram.percentile(0.999) == 2**52


@pytest.mark.parametrize("value", [-1, -(2**52)])
def test_a_negative_value_is_refused(value):
    with pytest.raises(ValueError, match=f"no negative value, got {value}"):
        Histogram.of(array([5, value]))


def test_no_values_have_no_percentile_and_no_mean():
    empty = Histogram.of(array([]))
    assert empty == Histogram.empty() == Histogram.merge([])
    assert empty.mean is None
    assert empty.percentile(0.5) is None
    assert empty.supported_percentile(0.5) is None


def test_merging_with_nothing_changes_nothing():
    histogram = Histogram.of(array([1, 10_000, 7]))
    assert Histogram.merge([Histogram.empty(), histogram]) == histogram


def test_the_same_counts_of_other_values_are_not_equal():
    # 1,000 and 1,001 share a bucket; the exact extremes and sums do not lie.
    assert bucket_of(array([1000]))[0] == bucket_of(array([1001]))[0]
    assert Histogram.of(array([1000])) != Histogram.of(array([1001]))
    assert Histogram.of(array([1000])) != 1000


@pytest.mark.parametrize(
    ("share", "least"), [(0.5, 2), (0.9, 100), (0.95, 200), (0.99, 1000), (0.999, 10_000)]
)
def test_a_percentile_with_too_few_values_behind_it_is_none(share, least):
    assert Histogram.of(np.arange(least - 1)).supported_percentile(share) is None
    supported = Histogram.of(np.arange(least))
    assert supported.supported_percentile(share) == supported.percentile(share) is not None


def test_the_interval_of_a_percentile_is_that_of_the_order_of_the_values():
    values = Histogram.of(np.arange(250))
    # At most 2.5 % of Binomial(250, 0.9) lie below 215, and at most 2.5 % above 234.
    low, high = values.percentile_interval(0.9)
    assert (low, high) == (values.percentile(215 / 250), values.percentile(235 / 250))
    assert Histogram.of(np.arange(367)).percentile_interval(0.99) is None
    assert Histogram.of(np.arange(368)).percentile_interval(0.99) is not None
    assert Histogram.empty().percentile_interval(0.5) is None


@pytest.mark.parametrize(("share", "count"), [(0.5, 40), (0.95, 120), (0.99, 600)])
def test_the_interval_of_a_percentile_holds_it_19_times_in_20(share, count):
    rng = np.random.default_rng(8)
    truth = -np.log(1 - share) * 1e6
    held = 0
    for _ in range(400):
        low, high = Histogram.of((rng.exponential(1e6, count)).astype(np.int64)).percentile_interval(share)
        held += low <= truth * 1.004 and high >= truth * 0.996
    assert held >= 370


def test_the_999th_of_a_thousand_is_the_rank_of_p999():
    values = np.r_[np.zeros(999, np.int64), 10**9]
    assert Histogram.of(values).percentile(0.999) == 0
    assert Histogram.of(values).percentile(0.9991) == 10**9


def test_a_share_that_floating_point_overstates_keeps_its_rank():
    assert 0.07 * 100 > 7
    assert Histogram.of(np.arange(100)).percentile(0.07) == 6


def test_a_lognormal_around_100_us_is_told_within_half_a_percent():
    values = np.random.default_rng(4).lognormal(np.log(100_000), 0.5, 50_000).astype(np.int64)
    histogram = Histogram.of(values)
    for share in PERCENTILES.values():
        wanted = np.percentile(values, share * 100, method="inverted_cdf")
        assert histogram.percentile(share) == pytest.approx(wanted, rel=0.005)


def test_a_million_values_take_few_buckets():
    values = np.random.default_rng(4).integers(0, 2**40, 1_000_000)
    assert len(Histogram.of(values).buckets) < 5_000
