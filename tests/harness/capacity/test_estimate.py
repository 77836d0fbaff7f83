"""The capacity from counts of several clauses, and within what single rates were certified to show."""

import pytest

from harness.capacity.estimate import estimate
from harness.capacity.seen import Counts, Seen, Sight
from harness.stats.crossing import Point

RATES = [60, 80, 90, 100, 110, 120, 160]


def probe(rate, sight=Sight.OPEN, **powers):
    """Return a probe whose clauses, named by their capacity, exceed 1 % above it."""
    counts = [
        Counts(name, 0.01, Point(rate, 10_000, round(min(100 * (rate / int(name[1:])) ** power, 10_000))))
        for name, power in powers.items()
    ]
    return Seen(rate, sight, tuple(counts))


def test_the_first_clause_that_breaks_is_the_capacity():
    found = estimate([probe(rate, c100=8, c130=8) for rate in RATES])
    assert found.per_s == pytest.approx(100, rel=0.02)
    assert found.low_per_s < 100 < found.high_per_s
    alone = estimate([probe(rate, c130=8) for rate in RATES])
    assert alone.per_s == pytest.approx(130, rel=0.02)


def test_a_clause_that_no_rate_breaks_limits_nothing():
    assert estimate([probe(rate, c100=8, c9000=8) for rate in RATES]) == estimate(
        [probe(rate, c100=8) for rate in RATES]
    )
    assert estimate([probe(rate, c9000=8) for rate in RATES]) is None
    assert estimate([]) is None


def test_invalid_probes_count_nothing():
    probes = [probe(rate, c100=8) for rate in RATES]
    assert estimate([*probes, probe(95, Sight.INVALID, c20=8)]) == estimate(probes)


def test_what_a_single_rate_was_certified_to_show_bounds_the_interval():
    probes = [probe(rate, c100=1) for rate in (50, 95, 105, 200)]
    wide = estimate(probes)
    certified = [probe(50, Sight.HELD, c100=1), *probes[1:3], probe(200, Sight.BROKE, c100=1)]
    narrow = estimate(certified)
    assert narrow.low_per_s == max(50, wide.low_per_s or 0)
    assert narrow.high_per_s == min(200, wide.high_per_s or 1e9)
    assert narrow.ratio <= wide.ratio


def test_a_rate_that_held_above_one_that_broke_does_not_count():
    probes = [
        probe(60, Sight.BROKE, c100=8),
        *(probe(rate, c100=8) for rate in RATES),
        probe(99, Sight.HELD, c100=8),
    ]
    assert estimate(probes).low_per_s < 99
