"""The sign test: under no change each difference is as likely above zero as below, whatever the noise looks like."""

import dataclasses
from collections.abc import Sequence

from harness.stats.binomial import at_least


@dataclasses.dataclass(frozen=True, slots=True)
class SignTest:
    """How many differences lie on either side of zero. A tie speaks for neither side, and stays in the count.

    With ties P(above) is less than one half under no change, so every p here is exact without them and too large
    (never too small) with them.
    """

    above: int
    below: int
    ties: int

    @property
    def count(self) -> int:
        """All differences, ties included."""
        return self.above + self.below + self.ties

    @property
    def p_greater(self) -> float:
        """The chance of as many above zero or more, under no change. One without data."""
        return at_least(self.above, self.count)

    @property
    def p_less(self) -> float:
        """The chance of as many below zero or more, under no change. One without data."""
        return at_least(self.below, self.count)

    @property
    def p_two_sided(self) -> float:
        """Twice the smaller of both, and at most one."""
        return min(1.0, 2 * min(self.p_greater, self.p_less))


def sign_test(differences: Sequence[float]) -> SignTest:
    """Return the sign test of paired `differences`."""
    above = sum(value > 0 for value in differences)
    below = sum(value < 0 for value in differences)
    return SignTest(above, below, len(differences) - above - below)
