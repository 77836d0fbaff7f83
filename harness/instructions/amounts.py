"""Compute how much of a benchmark is counted, and how long that takes. Pure."""

import dataclasses
import os

from harness.session.receipt import State
from harness.session.slots.sizing import Discovery
from harness.units import format_s

PAIRS = 3
"""Pairs of slots for every benchmark."""
MOST_PAIRS = 6
"""Pairs of slots for a benchmark whose counts differ between the sides."""
LONGEST_S = 60.0
"""Longest time to count a benchmark in one slot, in seconds, as planned; one that takes longer is not counted."""
SLOWER = 60.0
"""Factor by which Callgrind slows a benchmark down while it counts, at most for usual code."""
_SLOWER_TO_START = 8.0
"""The same while it does not count: imports, setup and warm-up."""
_CALLS_NS = 500_000
_WARM_NS = 20_000_000
_LEAST_WARM, _MOST_WARM = 3, 2_000
_LONG_NS = 20_000_000
"""Time of a call from which it is counted in one window of each length, after one call for warm-up."""
_WINDOWS_NS = 12_000_000
_LEAST_WINDOWS, _MOST_WINDOWS = 2, 6
_BESIDE_S = 0.4
"""Time to set a benchmark up, translate its code and write the counts, in one slot, in seconds."""


@dataclasses.dataclass(frozen=True, slots=True)
class Amount:
    """The part of a benchmark that is counted in each slot; see `counter.count`. `ns` is the time of a call with its setup."""

    ns: float
    calls: int
    windows: int
    warm: int

    @property
    def count_s(self) -> float:
        """Time to count it in one slot, in seconds."""
        return (1 + 3 * self.windows) * self.calls * self.ns * 1e-9 * SLOWER

    @property
    def slot_s(self) -> float:
        """Time of it in one slot, in seconds."""
        return _BESIDE_S + self.warm * self.ns * 1e-9 * _SLOWER_TO_START + self.count_s

    @property
    def too_long(self) -> str:
        """Reason why it is not counted; empty if it is."""
        if self.count_s <= LONGEST_S:
            return ""
        return (
            f"a call with its setup takes {format_s(self.ns * 1e-9)}: counting its instructions would take about {format_s(self.count_s)} "
            f"in each process (limit {format_s(LONGEST_S)}), because Valgrind runs it {SLOWER:.0f} times slower"
        )


def amount(ns: float) -> Amount:
    """Return the amount for a benchmark whose call, with its setup, takes `ns` on the slower side: the same in every slot."""
    calls = max(1, int(_CALLS_NS / max(ns, 1.0)))
    if ns >= _LONG_NS:
        return Amount(ns, calls, windows=1, warm=1)
    windows = max(_LEAST_WINDOWS, min(_MOST_WINDOWS, int(_WINDOWS_NS / (3 * calls * max(ns, 1.0)))))
    return Amount(ns, calls, windows, max(_LEAST_WARM, min(_MOST_WARM, int(_WARM_NS / max(ns, 1.0)))))


def counting_seconds(found: Discovery) -> float:
    """Return the approximate time to count the benchmarks on both sides, in seconds, if they do not differ.

    Both slots of a pair run at once where there are two CPUs.
    """
    amounts = [amount(one.whole_ns) for one in found.found if one.state is State.BOTH]
    slot_s = [one.slot_s for one in amounts if not one.too_long]
    turns = 1 if len(os.sched_getaffinity(0)) > 1 else 2
    return turns * PAIRS * (found.start_s * _SLOWER_TO_START + sum(slot_s)) if slot_s else 0.0
