"""What a judge says: a verdict for every comparison, one for the whole, and the exit code that follows."""

import dataclasses
import enum

from harness.errors import ExitCode
from harness.session.receipt import Suspects


class Verdict(enum.StrEnum):
    """The answer to one comparison, or to all."""

    OK = "ok"
    IMPROVED = "improved"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    NEW = "new"
    REMOVED = "removed"


class Kind(enum.StrEnum):
    """On what a comparison rests."""

    PAIRED = "paired"
    """Blocks of a session, tested by sign."""
    EXACT = "exact"
    """Counts that repeat exactly."""
    LIMIT = "limit"
    """An absolute limit, certified from counts of one side."""


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """Where an exact metric comes from, per request."""

    function: str
    base: float
    candidate: float


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one benchmark (or operation), base against candidate.

    `change`, `low` and `high` are relative (0.03 is 3 % more), or absolute where `unit` is `share`. `changes` holds
    the change in each block that the verdict rests on, `screened` those of the blocks before confirmation.
    `blocks_needed` says how many blocks would decide what is inconclusive. `allowed` is an exact metric's budget.
    """

    benchmark: str
    metric: str
    kind: Kind
    verdict: Verdict
    unit: str = "ns"
    base: float | None = None
    candidate: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    blocks: int = 0
    p: float | None = None
    """On fresh blocks: one-sided in the direction of the screen, after Holm. Otherwise two-sided, for information."""
    margin: float | None = None
    detectable: float | None = None
    """The change that such a session finds 80 times in 100."""
    blocks_needed: int | None = None
    allowed: float | None = None
    note: str = ""
    changes: tuple[float, ...] = ()
    screened: tuple[float, ...] = ()
    sites: tuple[Site, ...] = ()
    accepted: str | None = None
    """Why the policy accepts this regression; it is shown, and does not count."""
    counts: bool = True
    """False for what is shown beside the verdict and never decides, such as CPU time."""

    @property
    def counts_as(self) -> Verdict:
        """The verdict as the whole takes it: an accepted regression is ok."""
        return Verdict.OK if self.accepted and self.verdict is Verdict.REGRESSED else self.verdict


@dataclasses.dataclass(frozen=True, slots=True)
class Controls:
    """Whether the session can be believed: the base against itself, and the blocks that had to be rejected."""

    null_clean: bool
    null_change: float | None
    null_p: float | None
    null_changes: tuple[float, ...]
    bad_blocks: float
    """Share of all blocks."""
    reasons: tuple[str, ...] = ()
    """Why wall verdicts are withheld; empty if nothing is wrong."""


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """The whole answer."""

    verdict: Verdict
    exit_code: ExitCode
    comparisons: tuple[Comparison, ...]
    controls: Controls
    suspects: tuple[Suspects, ...] = ()
    reasons: tuple[str, ...] = ()
    """What must be known to read the verdict: the worst first."""
