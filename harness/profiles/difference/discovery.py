"""Tails of Student's distribution, and the false discovery rate over many tests; arrays in, arrays out."""

import math

import numpy as np
from numpy.typing import NDArray

from harness.stats.binomial import incomplete_beta

Floats = NDArray[np.float64]


def two_sided_p(t: Floats, freedom: float) -> Floats:
    """Return the two-sided p of Student's t, by the incomplete beta; infinite `freedom` is the normal distribution."""
    if math.isfinite(freedom):
        shares = (freedom / (freedom + t**2)).tolist()
        return np.array([incomplete_beta(share, freedom / 2, 0.5) for share in shares])
    return np.array([math.erfc(abs(z) / math.sqrt(2)) for z in t.tolist()])


def benjamini_hochberg(p: Floats) -> Floats:
    """Return the false discovery rate at which each test would be rejected; NaN (not tested) stays NaN."""
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    if len(order):
        scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
        adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return adjusted
