"""Format numbers of flame graphs as text, and the name of a graph in an address."""

import re
from collections.abc import Sequence

from harness.profiles.difference.frames import TIMED, Change
from harness.units import format_bytes, format_ns, significant


def slug(title: str, labels: Sequence[str]) -> str:
    """Return the name of a graph in the page's address: its title, and the sides after the first."""
    return re.sub(r"[^a-z0-9]+", "-", " ".join([title, *labels[1:]]).lower()).strip("-")[:60]


def interval(change: Change, unit: str) -> str:
    """Return the interval of the change, or the kind of evidence where no interval is known."""
    if change.low < change.high:
        return f"{signed(change.low, unit)} to {signed(change.high, unit)}"
    return "measured" if unit == TIMED else "counted"


def relative(change: Change) -> str:
    """Return the change as a share of before: `+12 %`, `new` or `gone`."""
    if not change.before:
        return "new"
    if not change.after:
        return "gone"
    share = 100 * change.change / change.before
    return f"{'+' if share > 0 else '−' if share < 0 else '±'}{significant(abs(share))} %"


def signed(value: float, unit: str) -> str:
    """Return an amount with its sign, never shown by colour alone."""
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{amount(abs(value), unit)}"


def amount(value: float, unit: str) -> str:
    """Return a value in its unit for people; other units than bytes and ns stay plain numbers."""
    scaled = {"bytes": format_bytes, "ns": format_ns}
    return scaled[unit](value) if unit in scaled else significant(value)
