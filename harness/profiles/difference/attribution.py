"""A change of latency, spread over what made it: frames that ran, waits, and what nothing explains.

The change of run time is divided among frames by the operation's shares of samples on either side, so that the frames
add up to it exactly, whatever rate the profiler had. Rows always add up to the change of the whole.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping

from harness.profiles.folded import Profile

RUN = "run_ns"
UNEXPLAINED = "unexplained"


@dataclasses.dataclass(frozen=True, slots=True)
class Latency:
    """The mean latency of some requests of one operation and its parts by name, `run_ns` among them; ns per request."""

    whole_ns: float
    parts_ns: Mapping[str, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Attributed:
    """One row: `kind` is `frame`, `part` or `unexplained`; ns per request on both sides."""

    kind: str
    name: str
    before_ns: float
    after_ns: float

    @property
    def change_ns(self) -> float:
        """After less before."""
        return self.after_ns - self.before_ns


def attribute(
    before: Latency, after: Latency, profile_before: Profile | None, profile_after: Profile | None
) -> tuple[Attributed, ...]:
    """Return the rows of a latency's change, the largest first and the unexplained one last, always.

    `profile_*` are CPU profiles of the operation alone. Without one on either side the run time stays one row,
    `run_ns`. What the parts leave of a whole is unexplained; so is the whole where a side has no parts at all.
    """
    has_frames = bool(
        profile_before and profile_after and profile_before.total > 0 and profile_after.total > 0
    )
    names = dict.fromkeys([*before.parts_ns, *after.parts_ns])
    rows = [
        Attributed("part", name, before.parts_ns.get(name, 0.0), after.parts_ns.get(name, 0.0))
        for name in names
        if not (name == RUN and has_frames)
    ]
    if has_frames and profile_before and profile_after:
        spread = [
            _spread(profile, latency.parts_ns.get(RUN, 0.0))
            for profile, latency in ((profile_before, before), (profile_after, after))
        ]
        rows += [
            Attributed("frame", frame, spread[0].get(frame, 0.0), spread[1].get(frame, 0.0))
            for frame in dict.fromkeys([*spread[0], *spread[1]])
        ]
    rows.sort(key=lambda row: (-abs(row.change_ns), row.name))
    rest = [latency.whole_ns - sum(latency.parts_ns.values()) for latency in (before, after)]
    return (*rows, Attributed("unexplained", UNEXPLAINED, *rest))


def _spread(profile: Profile, run_ns: float) -> dict[str, float]:
    """Return the run time of each frame as a leaf; together they are `run_ns`."""
    own: dict[str, float] = defaultdict(float)
    for stack, weight in profile.stacks.items():
        own[stack[-1]] += weight
    return {frame: run_ns * weight / profile.total for frame, weight in own.items()}
