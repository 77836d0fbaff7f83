"""Numbers of a comparison as texts: changes with their sign, intervals, values in the unit of their metric."""

import math
from collections.abc import Callable

from harness.judge.verdict import Comparison, Kind
from harness.units import format_bytes, format_ns, format_percent, format_rate, in_full, significant

_MINUS = "−"
_FORMATS: dict[str, Callable[[float], str]] = {
    "ns": format_ns,
    "B": format_bytes,
    "share": format_percent,
    "1/s": format_rate,
}


def change_text(change: float | None, unit: str = "") -> str:
    """Return `+4.1 %` for 0.041, and `+0.40 points` (of a hundred) where the unit is a share; empty for None."""
    return "" if change is None else f"{_number(change * 100, signed=True)} {_of_hundred(unit)}"


def interval_text(low: float | None, high: float | None, unit: str = "") -> str:
    """Return `3.2 to 5.0 %`, or with signs where the two are not both above zero; one end may be unknown."""
    if low is None and high is None:
        return ""
    signed = not (low is not None and high is not None and low > 0 and high > 0)
    first, last = (None if end is None else _number(end * 100, signed=signed) for end in (low, high))
    if first is None:
        return f"at most {last} {_of_hundred(unit)}"
    if last is None:
        return f"at least {first} {_of_hundred(unit)}"
    return f"{first} to {last} {_of_hundred(unit)}"


def percent_text(share: float | None) -> str:
    """Return `2.5 %` without a sign; a dash for None."""
    return "–" if share is None else f"{_number(share * 100, signed=False)} %"


def p_text(p: float) -> str:
    """Return `p = 0.0002`, or a bound for what is smaller than is worth a digit."""
    return f"p = {significant(p, 2)}" if p >= 1e-4 or not math.isfinite(p) else "p < 0.0001"


def value_text(value: float | None, comparison: Comparison) -> str:
    """Return a value of one side in the unit of the metric; a dash for None."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return _number(value, signed=False)
    return _FORMATS.get(comparison.unit, significant)(value)


def sides_text(comparison: Comparison, join: str = " → ") -> str:
    """Return base and candidate with their unit: `2 → 3 per request`; a limit has but the candidate's."""
    if comparison.base is None and comparison.candidate is None:
        return ""
    base, candidate = (value_text(value, comparison) for value in (comparison.base, comparison.candidate))
    if comparison.kind is Kind.LIMIT:
        return candidate
    if comparison.kind is Kind.EXACT and base == candidate and comparison.base != comparison.candidate:
        # A count that moved must be seen to have moved.
        return f"{_counted(comparison.base)}{join}{_counted(comparison.candidate)} {comparison.unit}"
    words = f"{base}{join}{candidate}"
    return words if comparison.unit in _FORMATS else f"{words} {comparison.unit}".rstrip()


def difference_text(value: float, comparison: Comparison) -> str:
    """Return a difference of two values with its sign."""
    return f"{_MINUS if value < 0 else '+'}{value_text(abs(value), comparison)}"


def plural(count: int, noun: str, many: str = "") -> str:
    """Return `1 block` or `12 blocks`; `many` is the plural where it is not the noun with an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {many or f'{noun}s'}"


def _of_hundred(unit: str) -> str:
    return "points" if unit == "share" else "%"


def _number(value: float, *, signed: bool) -> str:
    if math.isnan(value):
        return "unknown"
    sign = (_MINUS if value < 0 else "+") if signed or value < 0 else ""
    if math.isinf(value):
        return f"{sign}∞"
    text = _digits(abs(value))
    return text if text == "0.00" else sign + text


def _digits(size: float) -> str:
    if size < 1:
        return f"{size:,.2f}"
    if size < 100:
        return f"{size:,.1f}"
    return significant(size)


def _counted(value: float | None) -> str:
    return "–" if value is None else in_full(value, grouped=True)
