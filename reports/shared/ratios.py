"""Format the ratio of a figure to that of the first run, as a cell and in words."""

import dataclasses

from harness.reading.comparing import Better, Standing, change
from harness.units import significant
from reports.shared.model import Cell, Tone

# A smaller change reads better as a percentage.
_LEAST_FACTOR = 2.0
_LEAST_PERCENT = 0.01

FASTER, FEWER = ("faster", "slower"), ("fewer", "more")
"""Words for a smaller and a larger time, and for a smaller and a larger count."""

_TONES = {
    Standing.SAME: Tone.SIMILAR,
    Standing.SIMILAR: Tone.SIMILAR,
    Standing.BETTER: Tone.BETTER,
    Standing.WORSE: Tone.WORSE,
    Standing.DIFFERENT: Tone.DIFFERENT,
}


def with_ratio(
    first: Cell, other: Cell, better: Better, caution: float, words: tuple[str, str] = FASTER
) -> Cell:
    """Return `other` with its ratio to `first` and the meaning of the ratio."""
    if first.value is None or other.value is None:
        return other
    found = change(first.value, other.value, better, caution)
    if found.standing is Standing.SAME:
        text = "same"
    elif found.ratio is None:
        # Zero has no factor, but a direction.
        text = f"+{other.text} (new)" if first.value <= 0 else f"−{first.text} (gone)"
    else:
        text = change_text(found.ratio, words)
    return dataclasses.replace(other, ratio=found.ratio, ratio_text=text, tone=_TONES[found.standing])


def change_text(ratio: float, words: tuple[str, str] = FASTER) -> str:
    """Return `3.90× faster` from a factor of 2 on, and below it a percentage with its sign: `−12.5 %`."""
    factor = max(ratio, 1 / ratio)
    if factor >= _LEAST_FACTOR:
        return f"{ratio_text(factor)}× {words[ratio > 1]}"
    percent = 100 * (ratio - 1)
    # Less than a hundredth of a percent is below what three digits of both values show.
    return f"{'−' if percent < 0 else '+'}{significant(max(abs(percent), _LEAST_PERCENT))} %"


def ratio_text(ratio: float) -> str:
    """Return a factor with three significant digits, those that are zero as well: `1.00`, `11.0`."""
    rounded = float(f"{ratio:.2e}")
    places = next((places for most, places in ((1, 3), (10, 2), (100, 1)) if rounded < most), 0)
    return f"{ratio:.{places}f}" if ratio >= 0.1 else significant(ratio)
