"""The findings for a frame in two profiles, and the strictness of reaching them."""

import dataclasses
import enum
import math


class Finding(enum.StrEnum):
    """The finding for one frame. Only several runs a side can separate a change of the program from drift of the machine."""

    CHANGED = "changed"
    """Several interleaved runs a side differ by more than the runs of one side differ among themselves."""
    SAME = "same"
    """The whole interval of the change is within the least effect."""
    BEYOND_SAMPLING = "beyond sampling"
    """One run a side: beyond sampling error, but two runs of one program may differ as much."""
    DIFFERS = "differs"
    """One run a side of a counted (not sampled) weight: the two runs differ."""
    CANNOT_TELL = "cannot tell"

    @property
    def is_coloured(self) -> bool:
        """True if the finding claims a direction of the change."""
        return self in {Finding.CHANGED, Finding.BEYOND_SAMPLING, Finding.DIFFERS}


@dataclasses.dataclass(frozen=True, slots=True)
class Strictness:
    """Thresholds for a finding.

    `least_effect` is a share of the larger side: less is never called a change, and an interval within it is "same".
    `false_discovery` is the expected share of wrong ones among the frames that are called changed.
    """

    least_effect: float = 0.05
    false_discovery: float = 0.05
    least_runs: int = 5
    """Minimum runs a side for the finding "changed"."""
    least_samples: float = 10
    """Minimum samples of both sides together for testing a frame. It uses the sum, not the change, and is fixed beforehand."""
    confidence: float = 0.95


STRICT = Strictness()

_POWER = 2.8
"""Standard errors of a difference that is found 4 times in 5 at 5 %: 1.96 + 0.84."""


def samples_needed(effect: float) -> int:
    """Return the samples a side needed to find a relative change of `effect`, from sampling error alone: 2 (2.8 / effect)^2.

    That is 40 % at 100 samples, 13 % at 1,000 and 4 % at 10,000.
    """
    return math.ceil(2 * (_POWER / effect) ** 2)


def detectable_effect(samples: float) -> float:
    """Return the relative change that so many samples a side can find, about 4 / sqrt(samples): `samples_needed` reversed.

    Counts are Poisson. Infinite without a sample.
    """
    return 4 / math.sqrt(samples) if samples else math.inf
