"""Convert any value to JSON data: for the programs that run a suite, whose parameters and messages may be anything.

Those programs run it by its path; it imports nothing of the harness, because the suite may measure a tree of that name.
"""

import math
from typing import Any

MOST_DEPTH = 20
LONGEST_TEXT = 1_000
"""Largest length of the text that replaces an object."""
_LARGEST_INTEGER = 2**63


def plain(value: Any, around: tuple[int, ...] = ()) -> Any:
    """Return `value` with text in place of values without a JSON form: infinity, bytes, sets, objects, cycles.

    `around` are the ids of the containers that hold it. Raises nothing.
    """
    if not isinstance(value, dict | list | tuple):
        return _scalar(value)
    if id(value) in around or len(around) >= MOST_DEPTH:
        return "…"
    inside = (*around, id(value))
    if isinstance(value, dict):
        return {_text(key): plain(one, inside) for key, one in value.items()}
    return [plain(one, inside) for one in value]


def _scalar(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return readable(value)
    if kind is bool or value is None or (kind is int and abs(value) < _LARGEST_INTEGER):
        return value
    # A number type of another library may be a subclass of float.
    is_finite = isinstance(value, float) and math.isfinite(value)
    return float(value) if is_finite else _text(value)


def readable(text: str) -> str:
    """Return a text that UTF-8 can encode: half of a surrogate pair is escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _text(value: Any) -> str:
    if type(value) is str:
        return readable(value)
    try:
        return readable(str(value))[:LONGEST_TEXT]
    except Exception:  # noqa: BLE001 - it is the user's object
        return f"({type(value).__name__} without a text)"
