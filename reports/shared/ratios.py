"""A figure against that of the first run, as a cell and as words."""

import dataclasses

from harness.reading.comparing import Better, Standing, change
from harness.units import significant
from reports.shared.model import Cell, Tone

_TONES = {
    Standing.SAME: Tone.SIMILAR,
    Standing.SIMILAR: Tone.SIMILAR,
    Standing.BETTER: Tone.BETTER,
    Standing.WORSE: Tone.WORSE,
    Standing.DIFFERENT: Tone.DIFFERENT,
}


def with_ratio(first: Cell, other: Cell, better: Better, caution: float) -> Cell:
    """Return `other` with its ratio to `first` and how to read it."""
    if first.value is None or other.value is None:
        return other
    found = change(first.value, other.value, better, caution)
    if found.standing is Standing.SAME:
        text = "same"
    elif found.ratio is None:
        text = "from 0" if first.value <= 0 else "to 0"
    else:
        text = f"{ratio_text(found.ratio)} ×"
    return dataclasses.replace(other, ratio=found.ratio, ratio_text=text, tone=_TONES[found.standing])


def ratio_text(ratio: float) -> str:
    """Return a factor with three significant digits, those that are zero as well: `1.00`, `11.0`."""
    rounded = float(f"{ratio:.2e}")
    places = next((places for most, places in ((1, 3), (10, 2), (100, 1)) if rounded < most), 0)
    return f"{ratio:.{places}f}" if ratio >= 0.1 else significant(ratio)
