"""Student's t for many frames with few runs: each frame's variance is drawn towards the one that all frames share.

Five runs a side say little about the variance of one frame and much about that of all of them. Variances of frames are taken
to scatter around a shared one as a scaled inverse chi-squared does; both of its parameters are estimated from the
frames, and a frame's own variance is averaged with the shared one by their degrees of freedom (Smyth 2004, as in limma).
"""

import math
from typing import NamedTuple

import numpy as np

from harness.profiles.difference.discovery import Floats

_LEAST_VARIANCE = 1e-9
"""Floor of a variance of logarithms: runs that agree to 0.003 % are as good as equal."""
_LEAST_FRAMES = 5
"""Fewer frames say nothing about the scatter of their variances."""
_MOST_WEIGHT = 0.5
"""Most degrees of freedom of the shared variance, as a share of those of a frame's own."""


class Moderated(NamedTuple):
    """By frame the difference of mean logarithms in standard errors, and the error; `freedom` is that of all frames."""

    t: Floats
    error: Floats
    freedom: float


def moderate(before: Floats, after: Floats) -> Moderated:
    """Compare logarithms `[frame, run]` of two sides with at least two runs each."""
    own_freedom = before.shape[1] + after.shape[1] - 2
    squares = sum(((side - side.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for side in (before, after))
    variances = np.maximum(squares / own_freedom, _LEAST_VARIANCE)
    shared, shared_freedom = shared_variance(variances, own_freedom)
    freedom = own_freedom + shared_freedom
    moderated = (own_freedom * variances + shared_freedom * shared) / freedom
    change = after.mean(axis=1) - before.mean(axis=1)
    error = np.sqrt(moderated * (1 / before.shape[1] + 1 / after.shape[1]))
    return Moderated(change / error, error, freedom)


def shared_variance(variances: Floats, own_freedom: int) -> tuple[float, float]:
    """Return the variance that frames share and its degrees of freedom, from the mean and the scatter of the logarithms.

    The degrees are at most half of a frame's own: frames of two kinds do not scatter as the model says, and those that a
    slow moment of the machine lengthens together know less than as many independent ones.
    """
    if len(variances) < _LEAST_FRAMES:
        return 0.0, 0.0
    logs = np.log(variances) - _digamma(own_freedom / 2) + math.log(own_freedom / 2)
    mean, excess = float(logs.mean()), float(logs.var(ddof=1)) - _trigamma(own_freedom / 2)
    if excess <= 0:
        # So few runs alone make equal variances scatter as much.
        return math.exp(mean), own_freedom * _MOST_WEIGHT
    half = _inverse_trigamma(excess)
    shared = math.exp(mean + _digamma(half) - math.log(half))
    return shared, min(2 * half, own_freedom * _MOST_WEIGHT)


_SERIES_FROM = 8.0


def _digamma(x: float) -> float:
    """Return the derivative of log gamma, within 1e-9: recurrence up to 8, then its asymptotic series."""
    below = 0.0
    while x < _SERIES_FROM:
        below += 1 / x
        x += 1
    square = 1 / x**2
    return math.log(x) - 1 / (2 * x) - square * (1 / 12 - square * (1 / 120 - square / 252)) - below


def _trigamma(x: float) -> float:
    """Return the second derivative of log gamma, within 1e-8."""
    below = 0.0
    while x < _SERIES_FROM:
        below += 1 / x**2
        x += 1
    square = 1 / x**2
    return below + 1 / x + square / 2 + square / x * (1 / 6 - square * (1 / 30 - square / 42))


def _inverse_trigamma(y: float) -> float:
    """Return the x whose trigamma is `y` > 0, by halving the logarithm's interval: trigamma falls."""
    low, high = math.log(1e-4), math.log(1e7)
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _trigamma(math.exp(middle)) > y else (low, middle)
    return math.exp(high)
