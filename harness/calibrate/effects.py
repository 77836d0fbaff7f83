"""The trials of a calibration: changes of known size, and deliberate disturbances of the machine."""

import dataclasses
import enum


class Disturbance(enum.StrEnum):
    """The deliberate other load on the machine during a session."""

    QUIET = "quiet"
    OTHER_CORE = "other-core"
    SAME_CORE = "same-core"
    BURSTS = "bursts"
    """Load on all cores at intervals."""


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """One kind of session, and its number of comparisons in a full calibration.

    `spin_share` is the work added to each call of the candidate, as a share of the call; with `tail` one of its calls
    in fifty takes ten times as long; `import_ms` is added to its import time. `margin_percent` is the gate's margin: half
    of the effect. `budget_s` is for each benchmark. Without added work it is an A/A session: every alarm in it is
    false.
    """

    name: str
    comparisons: int
    spin_share: float = 0.0
    tail: bool = False
    import_ms: float = 0.0
    margin_percent: float = 2.5
    budget_s: float | None = None
    disturbance: Disturbance = Disturbance.QUIET

    @property
    def changes_nothing(self) -> bool:
        """Return True if both sides do the same work."""
        return not (self.spin_share or self.tail or self.import_ms)


TRIALS: tuple[Trial, ...] = (
    Trial("same", 300),
    Trial("slower-5%", 100, spin_share=0.05),
    Trial("slower-3%", 100, spin_share=0.03, margin_percent=1.5),
    Trial("same-busy-other-core", 60, disturbance=Disturbance.OTHER_CORE),
    Trial("same-busy-same-core", 60, disturbance=Disturbance.SAME_CORE),
    Trial("same-bursts", 60, disturbance=Disturbance.BURSTS),
    Trial("slower-10%", 60, spin_share=0.10),
    Trial("same-margin-1.5%", 60, margin_percent=1.5),
    Trial("slow-tail", 20, tail=True),
    Trial("slow-import", 5, import_ms=20.0),
    Trial("slower-1%-60s", 60, spin_share=0.01, margin_percent=0.5, budget_s=60.0),
)
"""Trials in the order of importance, for calibrations that are stopped early."""


STANDARD_MARGIN = 2.5
_DISTURBED = {
    Disturbance.OTHER_CORE: ", other core busy",
    Disturbance.SAME_CORE: ", same core busy",
    Disturbance.BURSTS: ", bursts on all cores",
}


def what_was_done(trial: Trial) -> str:
    """Return a description of the trial's change to the candidate or the machine."""
    if trial.tail:
        return "1 call in 50 ten times slower"
    if trial.import_ms:
        return f"+{trial.import_ms:g} ms to import"
    change = f"+{100 * trial.spin_share:g} % time" if trial.spin_share else "nothing"
    margin = f" (margin {trial.margin_percent:g} %)" if trial.margin_percent != STANDARD_MARGIN else ""
    return change + margin + _DISTURBED.get(trial.disturbance, "")
