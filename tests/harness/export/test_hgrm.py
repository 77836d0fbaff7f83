"""HdrHistogram's text: golden lines, and what its readers find in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.export.hgrm import percentile_distribution
from harness.table.histogram import Histogram

# 1 to 100 us, once each: a value is the middle of its bucket, known to 0.4 %.
GOLDEN = """\
       Value     Percentile TotalCount 1/(1-Percentile)

    0.001001 0.000000000000          1           1.00
    0.010015 0.100000000000         10           1.11
    0.020031 0.200000000000         20           1.25
    0.030015 0.300000000000         30           1.43
    0.040063 0.400000000000         40           1.67
    0.050047 0.500000000000         50           2.00
    0.054911 0.550000000000         55           2.22
    0.060031 0.600000000000         60           2.50
    0.064895 0.650000000000         65           2.86
    0.069887 0.700000000000         70           3.33
    0.075007 0.750000000000         75           4.00
"""
FOOT = """\
    0.100000 1.000000000000        100
#[Mean    =     0.050500, StdDeviation   =     0.028863]
#[Max     =     0.100000, Total count    =          100]
#[Buckets =           10, SubBuckets     =          256]
"""


def parsed(text):
    """The lines as any reader takes them: (value in ms, share, total)."""
    lines = [line.split() for line in text.splitlines()[2:] if line and not line.startswith("#")]
    return [(float(value), float(share), int(total)) for value, share, total, *_ in lines]


def test_the_text_is_that_of_hdrhistogram():
    text = percentile_distribution(Histogram.of(np.arange(1, 101) * 1000))
    assert text.startswith(GOLDEN)
    assert text.endswith(FOOT)


def test_without_values_there_is_a_head_and_a_foot():
    text = percentile_distribution(Histogram.empty())
    assert parsed(text) == []
    assert "Total count    =            0]" in text


@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=300))
def test_every_line_is_the_truth_of_the_values_and_they_never_fall(values):
    lines = parsed(percentile_distribution(Histogram.of(np.array(values))))
    ordered = np.sort(values) / 1e6
    for value, share, total in lines:
        rank = max(int(np.ceil(share * len(values) - 1e-6)), 1)
        assert value == pytest.approx(ordered[rank - 1], rel=0.005, abs=1e-6)
        assert rank <= total <= len(values)
    assert lines == sorted(lines)
    assert lines[-1][1:] == (1.0, len(values))
    assert lines[-1][0] == pytest.approx(ordered[-1], abs=1e-6)
