"""Format the numbers of a comparison: changes with their sign, intervals, values in the unit of their metric."""

import math
from collections.abc import Callable

from harness.judge.verdict import Comparison, Kind
from harness.units import format_bytes, format_ns, format_percent, format_rate, in_full, significant
from reports.shared.changes import MINUS, number_text

_FORMATS: dict[str, Callable[[float], str]] = {
    "ns": format_ns,
    "B": format_bytes,
    "share": format_percent,
    "1/s": format_rate,
}


def value_text(value: float | None, comparison: Comparison) -> str:
    """Return a value of one side in the unit of the metric; a dash for None."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return number_text(value, signed=False)
    return _FORMATS.get(comparison.unit, significant)(value)


def sides_text(comparison: Comparison, join: str = " → ") -> str:
    """Return base and candidate with their unit: `2 → 3 per request`; a limit has only the candidate's."""
    if comparison.base is None and comparison.candidate is None:
        return ""
    base, candidate = (value_text(value, comparison) for value in (comparison.base, comparison.candidate))
    if comparison.kind is Kind.LIMIT:
        return candidate
    if comparison.kind is Kind.EXACT and base == candidate and comparison.base != comparison.candidate:
        # The texts of a changed count must differ.
        return f"{_counted(comparison.base)}{join}{_counted(comparison.candidate)} {comparison.unit}"
    words = f"{base}{join}{candidate}"
    return words if comparison.unit in _FORMATS else f"{words} {comparison.unit}".rstrip()


def difference_text(value: float, comparison: Comparison) -> str:
    """Return a difference of two values with its sign."""
    return f"{MINUS if value < 0 else '+'}{value_text(abs(value), comparison)}"


def _counted(value: float | None) -> str:
    return "–" if value is None else in_full(value, grouped=True)
