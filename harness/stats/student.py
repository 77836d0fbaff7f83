"""Compute quantiles of Student's distribution."""

import math
from statistics import NormalDist


def student_quantile(confidence: float, freedom: float) -> float:
    """Return the half-width of a two-sided interval of `confidence`, in standard errors.

    Wallace (1959): Student's quantile from the normal one, within 0.2 % from 8 degrees of freedom on.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    if not math.isfinite(freedom):
        return z
    scaled = z * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(scaled**2 / freedom))
