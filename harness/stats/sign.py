"""Apply the sign test: under no change, differences above and below zero are equally likely for any noise."""

import dataclasses
from collections.abc import Sequence

from harness.stats.binomial import at_least


@dataclasses.dataclass(frozen=True, slots=True)
class SignTest:
    """The numbers of differences above and below zero. A tie supports neither side, and stays in the count.

    Ties make P(above) less than one half under no change, so every p is exact without ties and too large (never
    too small) with them.
    """

    above: int
    below: int
    ties: int

    @property
    def count(self) -> int:
        """The number of differences, including ties."""
        return self.above + self.below + self.ties

    @property
    def warnings(self) -> tuple[str, ...]:
        """The caveat of ties, where there are any."""
        return (
            (f"{self.ties} of {self.count} pairs are equal, and count for neither side",) if self.ties else ()
        )

    @property
    def p_greater(self) -> float:
        """The probability of at least as many differences above zero under no change; 1 without data."""
        return at_least(self.above, self.count)

    @property
    def p_less(self) -> float:
        """The probability of at least as many differences below zero under no change; 1 without data."""
        return at_least(self.below, self.count)

    @property
    def p_two_sided(self) -> float:
        """Twice the smaller of both, at most 1."""
        return min(1.0, 2 * min(self.p_greater, self.p_less))


def sign_test(differences: Sequence[float]) -> SignTest:
    """Return the sign test of paired `differences`."""
    above = sum(value > 0 for value in differences)
    below = sum(value < 0 for value in differences)
    return SignTest(above, below, len(differences) - above - below)
