"""Attribute a change of latency to its parts, to the functions that ran or waited, and to an unexplained rest.

The change of a part is divided among functions by their shares of its profile on either side, so that they add up to
the part exactly, whatever rate the profiler had. Parts always add up to the change of the whole.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping

from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.weighted import by_callers

RUN, WAIT_BUSY, WAIT_IDLE = "run_ns", "wait_busy_ns", "wait_idle_ns"
UNEXPLAINED = "unexplained"
NO_STACK = "(on no stack)"
"""Name of the row for functions where a side has no profile of a part that is not 0."""

Own = Mapping[str, float]
"""Self weights of functions (as leaves) by their name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Latency:
    """A latency of some requests of one operation and its parts by name, `run_ns` among them; ns per request."""

    whole_ns: float
    parts_ns: Mapping[str, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Attributed:
    """One row: `kind` is `part`, `frame` or `unexplained`; ns per request on both sides.

    `frames` divide a part: they add up to it, the largest change first; empty for an undivided part.
    """

    kind: str
    name: str
    before_ns: float
    after_ns: float
    frames: tuple["Attributed", ...] = ()

    @property
    def change_ns(self) -> float:
        """Time after less time before, in ns."""
        return self.after_ns - self.before_ns


def attribute(before: Latency, after: Latency, own: Mapping[str, tuple[Own, Own]]) -> tuple[Attributed, ...]:
    """Return the parts of a latency's change, the largest first and the unexplained one last, always.

    `own` has the functions of a part on either side; a part that it lacks is not divided. The difference between the
    whole and its parts is unexplained; the whole is unexplained where a side has no parts at all.
    """
    rows = []
    for name in dict.fromkeys([*before.parts_ns, *after.parts_ns]):
        times = before.parts_ns.get(name, 0.0), after.parts_ns.get(name, 0.0)
        frames = _frames(own[name], times) if name in own else ()
        rows.append(Attributed("part", name, times[0], times[1], frames))
    rest = [latency.whole_ns - sum(latency.parts_ns.values()) for latency in (before, after)]
    return (*_ranked(rows), Attributed("unexplained", UNEXPLAINED, rest[0], rest[1]))


def own_weights(profile: Profile) -> Own:
    """Return the weight of each frame as a leaf."""
    own: dict[str, float] = defaultdict(float)
    for leaves in by_callers(profile.stacks).values():
        for leaf, weight in leaves.items():
            own[leaf] += weight
    return own


def _frames(own: tuple[Own, Own], times: tuple[float, float]) -> tuple[Attributed, ...]:
    spread = [_spread(weights, time_ns) for weights, time_ns in zip(own, times, strict=True)]
    return _ranked(
        [
            Attributed("frame", name, spread[0].get(name, 0.0), spread[1].get(name, 0.0))
            for name in dict.fromkeys([*spread[0], *spread[1]])
        ]
    )


def _spread(weights: Own, time_ns: float) -> Mapping[str, float]:
    """Return the time of each function; together they are `time_ns`."""
    total = sum(weights.values())
    if total <= 0:
        return {NO_STACK: time_ns} if time_ns else {}
    return {name: time_ns * weight / total for name, weight in weights.items()}


def _ranked(rows: list[Attributed]) -> tuple[Attributed, ...]:
    return tuple(sorted(rows, key=lambda row: (-abs(row.change_ns), row.name)))
