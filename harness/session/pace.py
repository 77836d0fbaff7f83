"""Decide whether a session has time for another block.

The decision depends on the durations of blocks alone, never on their data (see `allowance`). A session that ends
before its evidence decides is `cut`, with the reason and a budget that would do.
"""

import dataclasses

from harness.session.allowance import Allowance
from harness.session.receipt import Phase, Receipt
from harness.units import format_duration

_SLOWER = 1.05
"""Least pace, in multiples of the planned time, that is told: a smaller one would read as 1."""


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """The request for another block of a phase, of which `made` usable ones are made, and `most` may be.

    Fewer than `least` decide nothing: they are not begun where they do not fit. `block_s` is the time of a block, `later_s` that
    of the blocks which must follow this phase, in seconds.
    """

    phase: Phase
    made: int
    least: int
    most: int
    block_s: float
    later_s: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """Keep a session within its allowance. Without a budget there is always time."""

    allowance: Allowance = dataclasses.field(default_factory=Allowance)

    def has_time(self, asked: Asked) -> bool:
        """Return True if there is time for the next block, or for all that a phase needs at least."""
        needed = max(asked.least - asked.made, 1)
        # Before a decision is possible, what follows it is not known; a screen alone can clear all benchmarks.
        later_s = asked.later_s if asked.made >= asked.least else 0.0
        return self.allowance.has_room_for(needed, asked.block_s, later_s)

    def end(self, asked: Asked, receipt: Receipt) -> None:
        """Record in the receipt that the budget ended the phase, and which budget would have done."""
        slower = (
            f", and blocks take {self.allowance.pace:.2g} times as long as planned"
            if self.allowance.pace >= _SLOWER
            else ""
        )
        needed_s = self.allowance.needed_s(asked.most - asked.made, asked.block_s, asked.later_s)
        if not receipt.cut:
            receipt.cut = (
                f"The budget of {self.allowance.budget_s:g} s has room for no more than {asked.made} of up to {asked.most} "
                f"blocks of the phase '{asked.phase}'{slower}: give it {format_duration(needed_s)}"
            )
