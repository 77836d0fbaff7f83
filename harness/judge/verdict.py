"""Verdicts: one for every comparison, one for the whole, and the exit code that follows."""

import dataclasses
import enum

from harness.errors import ExitCode
from harness.session.receipt import Suspects


class Verdict(enum.StrEnum):
    """The verdict on one comparison, or on all."""

    OK = "ok"
    IMPROVED = "improved"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    NEW = "new"
    REMOVED = "removed"


class Kind(enum.StrEnum):
    """The kind of evidence for a comparison."""

    PAIRED = "paired"
    """Blocks of a session."""
    EXACT = "exact"
    """Counts that repeat exactly."""
    LIMIT = "limit"
    """An absolute limit, certified from counts of one side."""


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """A function that contributes to an exact metric, per request."""

    function: str
    base: float
    candidate: float


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one benchmark (or operation), base against candidate.

    `change`, `low` and `high` are relative (0.03 is 3 % more), or absolute where `unit` is `share`. `changes` holds
    the change in each block that the verdict uses, `screened` those of the blocks before confirmation.
    `blocks_needed` is the number of blocks that would decide an inconclusive comparison. `allowed` is an exact metric's budget.
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
    """Minimum detectable effect of such a session (80 % power)."""
    blocks_needed: int | None = None
    allowed: float | None = None
    note: str = ""
    changes: tuple[float, ...] = ()
    screened: tuple[float, ...] = ()
    sites: tuple[Site, ...] = ()
    accepted: str | None = None
    """The policy's reason for accepting this regression, which is shown and does not count."""
    counts: bool = True
    """False for a metric that is only watched, and about which nothing is known."""
    watched: bool = False
    """True for a metric that never extends a session: it counts once it is confirmed, or cleared by the way."""

    @property
    def says_nothing(self) -> bool:
        """True for a watched metric that shows no change: a reader of the verdict needs none of it."""
        return not self.counts or (self.watched and self.verdict is Verdict.OK)

    @property
    def counts_as(self) -> Verdict:
        """The verdict's effect on the whole: an accepted regression counts as ok."""
        return Verdict.OK if self.accepted and self.verdict is Verdict.REGRESSED else self.verdict


@dataclasses.dataclass(frozen=True, slots=True)
class Controls:
    """The reliability of a session: the A/A check, and the share of discarded blocks."""

    null_clean: bool
    null_change: float | None
    null_p: float | None
    null_changes: tuple[float, ...]
    bad_blocks: float
    """Share of all blocks."""
    reasons: tuple[str, ...] = ()
    """Reasons why verdicts on times are withheld; empty if all checks passed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """The whole answer."""

    verdict: Verdict
    exit_code: ExitCode
    comparisons: tuple[Comparison, ...]
    controls: Controls
    suspects: tuple[Suspects, ...] = ()
    reasons: tuple[str, ...] = ()
    """Facts that a reader of the verdict needs, the worst first."""
