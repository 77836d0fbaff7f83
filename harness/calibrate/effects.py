"""What a calibration asks about: changes of known size, and a machine that is disturbed on purpose."""

import dataclasses
import enum


class Disturbance(enum.StrEnum):
    """What else the machine does during a session."""

    QUIET = "quiet"
    OTHER_CORE = "other-core"
    SAME_CORE = "same-core"
    BURSTS = "bursts"
    """Both cores, now and then."""


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """One kind of session, and how many comparisons of it a full calibration makes.

    `spin_share` is the work added to each call of the candidate, as a share of the call; `tail_share` is the share
    of its calls that take ten times as long. Nothing added is an A/A session: every alarm in it is false.
    """

    name: str
    comparisons: int
    spin_share: float = 0.0
    tail_share: float = 0.0
    disturbance: Disturbance = Disturbance.QUIET

    @property
    def changes_nothing(self) -> bool:
        """True if both sides do the same."""
        return not self.spin_share and not self.tail_share


TRIALS: tuple[Trial, ...] = (
    Trial("same", 300),
    Trial("slower-5%", 60, spin_share=0.05),
    Trial("slower-3%", 60, spin_share=0.03),
    Trial("slower-10%", 60, spin_share=0.10),
    Trial("slower-1%", 60, spin_share=0.01),
    Trial("same-busy-other-core", 60, disturbance=Disturbance.OTHER_CORE),
    Trial("same-busy-same-core", 60, disturbance=Disturbance.SAME_CORE),
    Trial("same-bursts", 60, disturbance=Disturbance.BURSTS),
    Trial("slow-tail", 20, tail_share=0.02),
)
"""In the order of their worth: whoever stops early has the most important ones."""
