"""Format changes and shares: with their sign, their interval, and as points where the unit is a share."""

import math

from harness.units import significant

MINUS = "−"


def change_text(change: float | None, unit: str = "") -> str:
    """Return `+4.1 %` for 0.041, and `+0.40 points` (of a hundred) where the unit is a share; empty for None."""
    return "" if change is None else f"{number_text(change * 100, signed=True)} {_of_hundred(unit)}"


def interval_text(low: float | None, high: float | None, unit: str = "") -> str:
    """Return `3.2 to 5.0 %`, or with signs where the two are not both above zero; one end may be unknown."""
    if low is None and high is None:
        return ""
    signed = not (low is not None and high is not None and low > 0 and high > 0)
    first, last = (None if end is None else number_text(end * 100, signed=signed) for end in (low, high))
    if first is None:
        return f"at most {last} {_of_hundred(unit)}"
    if last is None:
        return f"at least {first} {_of_hundred(unit)}"
    return f"{first} to {last} {_of_hundred(unit)}"


def percent_text(share: float | None) -> str:
    """Return `2.5 %` without a sign; a dash for None."""
    return "–" if share is None else f"{number_text(share * 100, signed=False)} %"


def p_text(p: float) -> str:
    """Return `p = 0.0002`, or a bound for a very small p."""
    return f"p = {significant(p, 2)}" if p >= 1e-4 or not math.isfinite(p) else "p < 0.0001"


def _of_hundred(unit: str) -> str:
    return "points" if unit == "share" else "%"


def number_text(value: float, *, signed: bool) -> str:
    """Return a number with a suitable count of digits; NaN as a word, an infinity as a sign."""
    if math.isnan(value):
        return "unknown"
    sign = (MINUS if value < 0 else "+") if signed or value < 0 else ""
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
