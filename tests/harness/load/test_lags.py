"""Lags of a loop, counted in memory of a fixed size."""

import random
import sys

import numpy as np
import pytest

from harness.load.lags import Lags
from harness.run.client_facts import LoopLag


def test_percentiles_are_those_of_all_lags():
    rng, kept = random.Random(2), Lags()
    lags = [round(rng.lognormvariate(13, 2)) for _ in range(5000)]
    for late_ns in lags:
        kept.add(late_ns)
    found = kept.found()
    p50_ns, p99_ns = np.percentile(lags, (50, 99), method="inverted_cdf")
    assert (found.beats, found.max_ns) == (5000, max(lags))
    assert found.p50_ns == pytest.approx(p50_ns, rel=0.004)
    assert found.p99_ns == pytest.approx(p99_ns, rel=0.004)


def test_nothing_is_no_lag():
    kept = Lags()
    kept.add(0)
    assert kept.found() == LoopLag(beats=1)
    kept.clear()
    assert kept.found() == LoopLag()


def test_a_long_run_takes_no_more_memory():
    rng, kept = random.Random(2), Lags()
    for _ in range(50_000):
        kept.add(round(rng.expovariate(1 / 200_000)))
    before = sys.getallocatedblocks()
    for _ in range(50_000):
        kept.add(round(rng.expovariate(1 / 200_000)))
    assert sys.getallocatedblocks() - before < 1000
