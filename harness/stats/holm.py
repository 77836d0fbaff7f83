"""Correct many comparisons by Holm's method, so that they share one false alarm rate."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Return the adjusted p of each comparison; rejecting those up to alpha gives any false alarm at most alpha in all.

    The i-th smallest of n is multiplied by n - i + 1, and an adjusted p is at least that of a smaller one
    (Holm 1979). Holds for any dependence between the comparisons.
    """
    adjusted: dict[Name, float] = {}
    largest = 0.0
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p))
        adjusted[name] = largest
    return adjusted
