"""What is to be known of a wait profile before it is read: that it adds up, how it is made, what it cost."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.clock import NS_PER_S
from harness.units import format_count, format_ns, format_percent, significant
from reports.model import ProfileView
from reports.sides import Side

WAITING, PARALLEL = "wait-wait", "wait-parallel"
"""Keys of the two views."""
_NEEDED = (
    "stacks_read", "frames_per_stack", "reading_one_ns", "reading_all_s", "least_waited_per_stack_ns", "on_no_stack_s"
)  # fmt: skip


def waiting_notes(sides: Sequence[Side], views: Sequence[ProfileView]) -> Iterator[str]:
    """Return a sentence for each run with a wait profile, and one on what greenlets beside a call count."""
    told = {side.label: side.profile.total for view in views if view.key == WAITING for side in view.sides}
    for side in sides:
        facts = side.run.document.profiles.get("wait")
        if facts and facts.file and side.withheld:
            yield f"Waiting is not shown where times are withheld. {side.withheld}"
        elif facts and side.label in told:
            yield f"{side.label}: {_adds_up(side, told[side.label])}{_how(side, facts.facts)}"
    if any(view.key == PARALLEL for view in views):
        yield (
            "Parallel waiting is in time of greenlets that calls started: several wait at once, so it may exceed service."
            " The call's own waiting for them is in Waiting, without what they ran."
        )


def _adds_up(side: Side, told_ns: float) -> str:
    true_ns = sum(side.histogram(name).total for name in ("wait_idle_ns", "wait_busy_ns"))
    calls = f"{format_count(side.returned)} calls"
    if round(told_ns) == true_ns:
        return f"Waiting adds up to the {format_ns(true_ns)} that {calls} waited, to the nanosecond"
    return f"Waiting holds {format_ns(told_ns)}, but {calls} waited {format_ns(true_ns)}: it does not add up"


def _how(side: Side, facts: Mapping[str, Any]) -> str:
    """Return how stacks were read and what that cost; nothing where the run does not say."""
    if any(not isinstance(facts.get(name), (int, float)) for name in _NEEDED):
        return ""
    reads, frames, one_ns, all_s, least_ns, short_s = (facts[name] for name in _NEEDED)
    share = all_s / side.run.measured_s if side.run.measured_s else 0.0
    return (
        f". {format_count(reads)} stacks were read, of {significant(frames)} frames and in {format_ns(one_ns)} each,"
        f" {format_percent(share)} of the measured time: one for every {format_ns(least_ns)} waited at most, so that"
        f" {format_ns(short_s * NS_PER_S)} in short waits stand on none"
    )
