"""Format numbers for people, and parse them: nanoseconds, bytes, rates and durations. Base units everywhere else.

A measured number has three significant digits wherever it is shown, and no number is written with an exponent.
"""

import decimal
import math
import re

from harness.errors import UsageError

_DURATION_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def parse_duration_s(text: str) -> float:
    """Return the seconds of `10s`, `5m`, `1h`, `1m30s` or `250ms`; raises `UsageError` for other text."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UsageError(f"'{text}' is not a duration", remedy="Write it like 10s, 5m, 1h or 1m30s")
    return sum(float(number) * _DURATION_UNITS_S[unit] for number, unit in parts)


_LEAST, _MOST = 1e-9, 1e15
"""Bounds of the values written in digits: beyond them the digits would be too many to read."""


def _scaled(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    # The rounded value selects the unit: 999,999 ns are 1 ms, not 1,000 µs.
    size, unit = next(
        ((size, unit) for size, unit in steps if abs(_rounded(value / size, 3)) >= 1), steps[-1]
    )
    return f"{significant(value / size)} {unit}"


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")


def significant(value: float, digits: int = 3) -> str:
    """Return `value` with three significant digits, and at least its whole part; never with an exponent."""
    if value == 0:
        return "0"
    size, sign = abs(value), "-" if value < 0 else ""
    if size >= _MOST:
        return f"{sign}∞" if math.isinf(value) else f"{'under -' if value < 0 else 'over '}{_MOST:,.0f}"
    if not size >= _LEAST:
        return "unknown" if math.isnan(value) else "about 0"
    rounded = _rounded(size, digits)
    if rounded >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return sign + in_full(rounded)


def in_full(value: float, *, grouped: bool = False) -> str:
    """Return a number as typed, with twelve digits at most and no exponent: `200.5`, `0.00005`, `1000000`."""
    text = format(decimal.Decimal(f"{value:.12g}"), ",f" if grouped else "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_ns(value: float | None) -> str:
    """Return a time with its unit: `1.23 ms`; a missing value is a dash."""
    return "–" if value is None else _scaled(value, ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")))


def format_s(value: float | None) -> str:
    """Return a time given in seconds with a suitable unit: `72 µs` for 7.2e-05."""
    if value is None:
        return "–"
    return format_ns(value * 1e9) if value else "0 s"


def format_bytes(value: float | None) -> str:
    """Return a size with its binary unit: `1.5 MiB`."""
    if value is None:
        return "–"
    return _scaled(value, ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B")))


def format_size(value: float) -> str:
    """Return an amount of memory in decimal units, as a limit writes it: `5.02 MB`."""
    return _scaled(value, ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")))


def format_rate(value: float | None) -> str:
    """Return a rate per second: `1,250/s`."""
    return "–" if value is None else f"{significant(value)}/s"


def format_rate_in_full(value: float | None) -> str:
    """Return a chosen rate with all of its digits, unlike a measured one: `200.5/s`."""
    return "–" if value is None else f"{in_full(value, grouped=True)}/s"


def format_count(value: float | None) -> str:
    """Return a whole number with thousands separators."""
    return "–" if value is None else f"{value:,.0f}"


def format_percent(share: float | None) -> str:
    """Return a share of one as a percentage: 0.0123 is `1.23 %`."""
    return "–" if share is None else f"{significant(share * 100)} %"


def format_duration(seconds: float) -> str:
    """Return a duration for people: `250ms`, `10s`, `1m30s`, `1h`."""
    if seconds < 1:
        return f"{in_full(seconds * 1000)}ms"
    if seconds < 60:
        return f"{in_full(seconds)}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def format_minutes(seconds: float) -> str:
    """Return an estimated duration in words: `40 s`, `1 minute`, `20 minutes`, `3 hours`. Rounds up."""
    if seconds <= 59:
        return f"{math.ceil(seconds)} s"
    size, word = (3600, "hour") if seconds > 120 * 60 else (60, "minute")
    number = math.ceil(seconds / size)
    return f"{number} {word}{'s' if number > 1 else ''}"


def lower_first(sentence: str) -> str:
    """Return a sentence as the continuation of another; names in capitals stay unchanged."""
    return (
        sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() or sentence[1:2] == " " else sentence
    )
