"""Verdicts on growth: on series of known truth over hours, without waiting for them."""

import math
import random

import pytest

from harness.errors import UsageError
from harness.policy.growth import QUANTITIES, Course, GrowthLimit, growth_of, limited, split, tolerance_of
from harness.policy.slo import State

MB = 1e6
RSS, BLOCKS, FDS = QUANTITIES["rss"], QUANTITIES["blocks"], QUANTITIES["fds"]


def judged(quantity, course, hours=1.0, noise=0.0, **words):
    """Return the verdict on `course(second)`, sampled every second, with noise as an allocator makes it."""
    rng = random.Random(3)
    seconds = [float(second) for second in range(int(hours * 3600) + 1)]
    values = [course(second) + noise * rng.random() for second in seconds]
    return growth_of(quantity, seconds, values, **words)


def warming(second):
    return 40 * MB * (1 - math.exp(-second / 600))


@pytest.mark.parametrize("calls_per_s", [20, 50, 1000])
def test_a_leak_of_100_bytes_a_call_is_said_an_hour_and_a_call(calls_per_s):
    found = judged(RSS, lambda second: 100 * calls_per_s * second, noise=MB, calls_per_s=calls_per_s)
    true = 100 * calls_per_s * 3600
    assert found.course is Course.GROWS
    assert found.low <= true <= found.high
    assert found.per_call[0] == pytest.approx(100, rel=0.1)
    assert found.per_call[1] <= 100 <= found.per_call[2]
    assert "an hour (" in found.sentence
    assert found.sentence.endswith("B a call")


def test_a_filling_cache_that_stops_is_flat_and_while_it_fills_it_is_open():
    def cache(second):
        return min(64 * MB, 64 * MB * second / 900)

    assert judged(RSS, cache, hours=1, noise=0.3 * MB).course is Course.FLAT
    assert judged(RSS, cache, hours=0.5, noise=0.3 * MB).course is Course.FLAT
    early = judged(RSS, cache, hours=0.33, noise=0.3 * MB)
    assert early.course is Course.CANNOT_TELL
    assert early.more_s > 0


@pytest.mark.parametrize("period_s", [7, 60, 300])
def test_teeth_are_judged_by_their_lower_envelope(period_s):
    assert (
        judged(RSS, lambda second: 20 * MB * (second % period_s) / period_s, hours=2).course
        is not Course.GROWS
    )
    leaking = judged(RSS, lambda second: 20 * MB * (second % period_s) / period_s + 20_000 * second, hours=2)
    assert leaking.low < 72 * MB < leaking.high


def test_short_teeth_are_flat_and_a_leak_under_them_grows():
    assert judged(RSS, lambda second: 20 * MB * (second % 60) / 60, hours=2).course is Course.FLAT
    found = judged(RSS, lambda second: 20 * MB * (second % 60) / 60 + 20_000 * second, hours=2)
    assert found.course is Course.GROWS
    assert found.per_hour == pytest.approx(72 * MB, rel=0.05)


def test_warm_up_is_no_growth_and_a_leak_behind_it_is():
    assert judged(RSS, warming, hours=0.5, noise=0.2 * MB).course is Course.CANNOT_TELL
    assert judged(RSS, warming, hours=1.5, noise=0.2 * MB).course is Course.FLAT
    assert (
        judged(RSS, lambda second: warming(second) + 20_000 * second, hours=3, noise=MB).course
        is Course.GROWS
    )


def test_one_descriptor_a_minute_is_found_and_a_still_number_is_flat_within_what_the_run_can_see():
    found = judged(FDS, lambda second: 12 + second // 60, calls_per_s=10)
    assert found.course is Course.GROWS
    assert found.per_hour == pytest.approx(60, rel=0.05)
    flat = judged(FDS, lambda second: 12.0)
    assert flat.course is Course.FLAT
    assert flat.sentence == "flat within 1.5 an hour"


def test_a_still_number_of_a_short_run_asks_for_more_time():
    found = judged(FDS, lambda second: 12.0, hours=120 / 3600)
    assert found.course is Course.CANNOT_TELL
    assert found.more_s == pytest.approx(475, rel=0.1)
    assert found.sentence == "cannot tell: 0 an hour (-45 to 45); needs about 8 minutes more"
    assert judged(FDS, lambda second: 12.0, hours=(120 + found.more_s) / 3600).course is Course.FLAT


def test_a_leak_of_blocks_shows_in_two_minutes_where_memory_hides_it():
    found = judged(BLOCKS, lambda second: 300_000 + 50 * second, hours=2 / 60, noise=60, calls_per_s=50)
    assert found.course is Course.GROWS
    assert found.per_call[0] == pytest.approx(1.0, rel=0.05)


def test_falling_memory_is_flat():
    assert judged(RSS, lambda second: 500 * MB - 10_000 * second).sentence == "flat within 0 B an hour"


@pytest.mark.parametrize("series", [([], []), ([5.0], [1.0]), ([0.0, 30.0], [1.0, 2.0])])
def test_a_short_run_says_nothing(series):
    found = growth_of(RSS, *series)
    assert found.course is Course.CANNOT_TELL
    assert found.per_hour is None
    assert "more" in found.sentence


def test_missing_samples_are_no_verdict():
    found = growth_of(RSS, [0.0, 3600.0], [1.0, 2.0])
    assert (found.course, found.sentence) == (Course.CANNOT_TELL, "cannot tell: samples are missing")


def of_limit(text, course, **words):
    rest, (limit,) = split(text)
    assert not rest
    return limited(judged(QUANTITIES[limit.quantity], course, tolerance=tolerance_of(limit), **words), limit)


def test_a_limit_is_broken_by_what_grows_beyond_it_and_certified_by_what_stays_below():
    def leak(second):
        return 20 * MB / 3600 * second

    assert of_limit("rss<+5MB/h", leak, noise=0.2 * MB) is State.BROKEN
    assert of_limit("rss<+50MB/h", leak, noise=0.2 * MB) is State.CERTIFIED
    assert of_limit("rss<+20MB/h", leak, noise=0.2 * MB) is State.NOT_CERTIFIED
    assert of_limit("rss<+0", leak, noise=0.2 * MB) is State.BROKEN
    assert of_limit("rss<+5MB/h", leak, hours=0.05, noise=MB) is State.NOT_CERTIFIED


def test_a_limit_of_zero_asks_for_a_flat_course():
    assert of_limit("fds<+0", lambda second: 12.0) is State.CERTIFIED
    assert of_limit("fds<+0", lambda second: 12.0, hours=0.03) is State.NOT_CERTIFIED
    assert of_limit("fds<+0", lambda second: 12.0 + second // 200) is State.BROKEN


def test_limits_of_growth_are_told_from_those_of_calls():
    assert split("p99<25ms,rss<+5MB/h, fds<+0") == (
        "p99<25ms",
        (GrowthLimit("rss<+5MB/h", "rss", 5 * MB), GrowthLimit("fds<+0", "fds", 0.0)),
    )
    assert split("p99<25ms") == ("p99<25ms", ())
    assert split("rss<+1.5GiB/h,blocks<=+1000/h")[1] == (
        GrowthLimit("rss<+1.5GiB/h", "rss", 1.5 * 2**30),
        GrowthLimit("blocks<=+1000/h", "blocks", 1000.0),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rss<+5/h", "has no unit of memory"),
        ("rss<+5MB", "does not say in which time"),
        ("rss>+5MB/h", "is not a limit of growth"),
        ("rss<+-5MB/h", "is not a limit of growth"),
        ("fds<+5MB/h", "has no unit of descriptors"),
        ("speed<+5/h", "'speed' in 'speed<+5/h' does not grow"),
        ("rss<+", "is not a limit of growth"),
        ("rss<5MB/h", "is not a limit of growth"),
        ("p99<1s,fds", "'fds' is not a limit of growth"),
        ("rss<+5MB/s", "is not a limit of growth"),
    ],
)
def test_other_text_is_refused(text, says):
    with pytest.raises(UsageError, match=says.replace("+", r"\+")):
        split(text)


def test_growth_of_the_measuring_program_is_no_growth_of_the_target():
    def leak(second):
        return 300_000 + 10 * second

    assert judged(BLOCKS, leak).course is Course.GROWS
    assert judged(BLOCKS, leak, own=40_000.0).course is Course.FLAT
    assert of_limit("blocks<+0", leak, own=40_000.0) is State.CERTIFIED
    assert of_limit("blocks<+1000/h", leak, own=30_000.0) is State.BROKEN
    assert of_limit("blocks<+1000/h", leak, own=36_000.0) is State.NOT_CERTIFIED
    assert of_limit("rss<+5MB/h", lambda second: 6 * MB / 3600 * second, own=2 * MB) is State.NOT_CERTIFIED
