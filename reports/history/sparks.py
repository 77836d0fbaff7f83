"""Draw a course in one line of text."""

from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 16


def sparkline(values: Sequence[float], width: int = _WIDTH) -> str:
    """Return the values as blocks from the lowest to the highest, at most `width` of them; a level course is low."""
    chosen = _thinned(values, width)
    low, high = min(chosen), max(chosen)
    span = high - low
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(top * (value - low) / span)] if span > 0 else _BLOCKS[0] for value in chosen)


def _thinned(values: Sequence[float], width: int) -> list[float]:
    """Return at most `width` of the values at equal distances, the first and the last among them."""
    if len(values) <= width:
        return list(values)
    return [values[round(place * (len(values) - 1) / (width - 1))] for place in range(width)]
