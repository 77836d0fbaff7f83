"""What may be said of a frame in two profiles, and how strict it is."""

import dataclasses
import enum
import math


class Finding(enum.StrEnum):
    """The answer for one frame. Only several runs a side tell a change of the program from one of the day."""

    CHANGED = "changed"
    """Several interleaved runs a side differ by more than they differ among themselves."""
    SAME = "same"
    """The whole interval of the change is within the least effect."""
    BEYOND_SAMPLING = "beyond sampling"
    """One run a side: more than chance of the sampling explains, but runs of one program may differ as much."""
    DIFFERS = "differs"
    """One run a side of what is counted and not sampled: the two runs differ."""
    CANNOT_TELL = "cannot tell"

    @property
    def is_coloured(self) -> bool:
        """True if something is claimed about the direction of the change."""
        return self in {Finding.CHANGED, Finding.BEYOND_SAMPLING, Finding.DIFFERS}


@dataclasses.dataclass(frozen=True, slots=True)
class Strictness:
    """How a finding is reached.

    `least_effect` is a share of the larger side: less is never called a change, and an interval within it is "same".
    `false_discovery` is the expected share of wrong ones among the frames that are called changed.
    """

    least_effect: float = 0.05
    false_discovery: float = 0.05
    least_runs: int = 5
    """Runs a side below which none is called changed."""
    least_samples: float = 10
    """Samples of both sides together below which a frame is not tested: fixed before, by the sum and not the change."""
    confidence: float = 0.95


STRICT = Strictness()

_POWER = 2.8
"""Standard errors of a difference that is found 4 times in 5 at 5 %: 1.96 + 0.84."""


def samples_needed(effect: float) -> int:
    """Return the samples a side that a relative change of `effect` takes, from sampling alone: 2 (2.8 / effect)^2.

    That is 40 % at 100 samples, 13 % at 1,000 and 4 % at 10,000.
    """
    return math.ceil(2 * (_POWER / effect) ** 2)
