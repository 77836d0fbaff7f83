"""The results of probes: what a search for capacity chooses its next rate from, and its answer."""

import dataclasses
import enum

from harness.stats.crossing import Point


class Sight(enum.StrEnum):
    """The result of one probe for the SLO."""

    HELD = "held"
    """Every limit is certified."""
    BROKE = "broke"
    """At least one limit is broken."""
    OPEN = "not settled"
    """Neither certified nor broken: too few calls, or too close to a limit."""
    INVALID = "invalid"
    """Not attributable to the target: the load generator or the machine was at fault."""


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """The calls that broke a clause of the SLO in one probe; `share` is the largest that the clause allows."""

    clause: str
    share: float
    point: Point

    @property
    def excess(self) -> float:
        """The share of calls that broke the clause, in multiples of the allowed one."""
        return self.point.successes / max(self.point.trials, 1) / self.share


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """One probe. `counts` are of the clauses on latency and errors."""

    rate_per_s: float
    sight: Sight
    counts: tuple[Counts, ...] = ()

    @property
    def excess(self) -> float:
        """The largest excess of its clauses."""
        return max((one.excess for one in self.counts), default=0.0)

    @property
    def is_valid(self) -> bool:
        """True unless the probe shows nothing of the target."""
        return self.sight is not Sight.INVALID

    @property
    def is_above(self) -> bool:
        """True if the calls of the probe look as if its rate were above the capacity."""
        return self.sight is Sight.BROKE or (self.sight is Sight.OPEN and self.excess >= 1)
