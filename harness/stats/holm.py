"""Holm's correction: many comparisons, one chance of a false alarm."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Return the adjusted p of each comparison: those at most alpha are false with a chance of at most alpha in all.

    The i-th smallest of n is multiplied by n - i + 1, and no adjusted p is below that of a smaller one
    (Holm 1979). Whatever the comparisons have to do with one another.
    """
    adjusted: dict[Name, float] = {}
    largest = 0.0
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p))
        adjusted[name] = largest
    return adjusted
