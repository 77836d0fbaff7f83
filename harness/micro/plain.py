"""Any value as what JSON holds: for the programs that run a suite, whose parameters and messages may be anything.

Run by its path from those programs; imports nothing of the harness, because the suite may measure a tree of that name.
"""

import math
from typing import Any

MOST_DEPTH = 20
LONGEST_TEXT = 1_000
"""Of the text that stands for an object."""
_LARGEST_INTEGER = 2**63


def plain(value: Any, around: tuple[int, ...] = ()) -> Any:
    """Return `value` with text in the place of what JSON has no word for: infinity, bytes, sets, objects, cycles.

    `around` are the containers that hold it. Raises nothing.
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
    # A number of another library may be a float too.
    is_finite = isinstance(value, float) and math.isfinite(value)
    return float(value) if is_finite else _text(value)


def readable(text: str) -> str:
    """Return a text that UTF-8 can hold: half of a surrogate pair is written out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _text(value: Any) -> str:
    if type(value) is str:
        return readable(value)
    try:
        return readable(str(value))[:LONGEST_TEXT]
    except Exception:  # noqa: BLE001 - it is the user's object
        return f"({type(value).__name__} without a text)"
