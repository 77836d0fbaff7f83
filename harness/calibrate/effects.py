"""The trials of a calibration: changes of known size, other code of the same speed, and deliberate disturbances of the machine."""

import dataclasses
import enum

from harness.calibrate import parallel, workloads


class Disturbance(enum.StrEnum):
    """The deliberate other load on the machine during a session."""

    QUIET = "quiet"
    OTHER_CORE = "other-core"
    SAME_CORE = "same-core"
    BURSTS = "bursts"
    """Load on all cores at intervals."""


class Code(enum.StrEnum):
    """The candidate's code, beside what a trial adds to its calls."""

    SAME = "same"
    OTHER = "other"
    """Renamed functions in another order, with unused functions and constants: as fast as the base's."""
    BACKGROUND_THREAD = "background-thread"
    """A thread that burns a fifth of a core from the import on."""
    SERIALISED = "serialised"
    """Work in turn that the base does in two threads at once."""


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """One kind of session, its number of comparisons in a full calibration, and its goal.

    `spin_share` is the work added to each call of the candidate, as a share of the call; with `tail` one of its calls
    in fifty takes ten times as long; `import_ms` is added to its import time; `code` is what else differs.
    `margin_percent` is the gate's margin: half of the effect. `budget_s` is for each benchmark. Without added work it is
    an A/A session: every alarm in it is false, and `goal_percent` is the largest share of alarms; otherwise it is the
    smallest. `works` are the workloads of a session.
    """

    name: str
    comparisons: int
    goal_percent: float
    spin_share: float = 0.0
    tail: bool = False
    import_ms: float = 0.0
    code: Code = Code.SAME
    margin_percent: float = 2.5
    budget_s: float | None = None
    disturbance: Disturbance = Disturbance.QUIET
    works: tuple[str, ...] = tuple(workloads.WORK)

    @property
    def changes_nothing(self) -> bool:
        """Return True if both sides do the same work."""
        return self.code in {Code.SAME, Code.OTHER} and not (self.spin_share or self.tail or self.import_ms)

    @property
    def comparisons_of_session(self) -> int:
        """Return the number of comparisons of one session: its benchmarks, or its import."""
        return 1 if self.import_ms else len(self.works)

    @property
    def goal(self) -> str:
        """Return the goal for the share of alarms among the comparisons."""
        return f"at {'most' if self.changes_nothing else 'least'} {self.goal_percent:g} %"


SECONDS_TO_OK = 5.0
"""Goal for the median time of a benchmark until it is cleared, in seconds: see `card.TrialCard`."""
SECONDS_TO_REGRESSED = 10.0
"""Goal for the median time of a benchmark until its change is confirmed, in seconds."""

_HOLDING = ("attribute_calls", "fibonacci", "product", "dataclasses", "json_dumps")
"""Workloads that hold the interpreter's lock: a busy thread delays each of them, on any number of cores."""

TRIALS: tuple[Trial, ...] = (
    Trial("same", 300, 1),
    Trial("slower-5%", 60, 99, spin_share=0.05),
    Trial("slower-3%", 60, 95, spin_share=0.03, margin_percent=1.5),
    Trial("slow-tail", 60, 95, tail=True),
    Trial("same-other-code", 60, 1, code=Code.OTHER),
    Trial("same-busy-other-core", 60, 1, disturbance=Disturbance.OTHER_CORE),
    Trial("same-busy-same-core", 60, 1, disturbance=Disturbance.SAME_CORE),
    Trial("same-bursts", 60, 1, disturbance=Disturbance.BURSTS),
    Trial("serialised", 60, 95, code=Code.SERIALISED, works=tuple(parallel.WORK)),
    Trial("background-thread", 60, 95, code=Code.BACKGROUND_THREAD, works=_HOLDING),
    Trial("slower-10%", 60, 99, spin_share=0.10),
    Trial("same-margin-1.5%", 60, 1, margin_percent=1.5),
    Trial("slow-import", 60, 95, import_ms=20.0, works=("format",)),
    Trial("slower-1%-60s", 60, 90, spin_share=0.01, margin_percent=0.5, budget_s=60.0),
)
"""Trials in the order of importance, for calibrations that are stopped early."""


STANDARD_MARGIN = 2.5
_DISTURBED = {
    Disturbance.OTHER_CORE: ", other core busy",
    Disturbance.SAME_CORE: ", same core busy",
    Disturbance.BURSTS: ", bursts on all cores",
}
_WITH_CODE = {
    Code.OTHER: "other code, same speed",
    Code.BACKGROUND_THREAD: "a thread that burns 20 % of a core",
    Code.SERIALISED: "in turn instead of in two threads",
}


def what_was_done(trial: Trial) -> str:
    """Return a description of the trial's change to the candidate or the machine."""
    if trial.tail:
        return "1 call in 50 ten times slower"
    if trial.import_ms:
        return f"+{trial.import_ms:g} ms to import"
    unslowed = _WITH_CODE.get(trial.code, "nothing")
    change = f"+{100 * trial.spin_share:g} % time" if trial.spin_share else unslowed
    margin = f" (margin {trial.margin_percent:g} %)" if trial.margin_percent != STANDARD_MARGIN else ""
    return change + margin + _DISTURBED.get(trial.disturbance, "")
