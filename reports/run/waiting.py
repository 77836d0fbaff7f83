"""Build the notes on a wait profile: its sum, its method and its overhead."""

from collections.abc import Iterator, Sequence

from harness.clock import NS_PER_S
from harness.profiles.facts import WaitFacts
from harness.reading.engines import units
from harness.units import format_count, format_ns, format_percent
from reports.run.model import ProfileView
from reports.run.sides import Side

WAITING, PARALLEL = "wait-wait", "wait-parallel"
"""Keys of the two views."""


def waiting_notes(sides: Sequence[Side], views: Sequence[ProfileView]) -> Iterator[str]:
    """Return a sentence for each run with a wait profile, and one on what greenlets beside a call count."""
    told = {
        label: one.profile.total for view in views if view.key == WAITING for label, one in view.sides.items()
    }
    withheld: list[str] = []
    for side in sides:
        facts = side.run.document.profiles.wait
        if facts and facts.file and side.withheld:
            withheld.append(side.label)
        elif facts and side.label in told:
            yield f"{side.label}: {_adds_up(side, told[side.label])}{_how(side, facts.facts)}"
    if withheld:
        yield f"Waiting is not shown for {', '.join(withheld)}: times are withheld"
    if any(view.key == PARALLEL for view in views):
        yield (
            f"Parallel waiting sums the waits of the {units(side.run for side in sides)} that a call started: several wait at once, so it may exceed service"
        )


def _adds_up(side: Side, told_ns: float) -> str:
    true_ns = sum(side.histogram(name).total for name in ("wait_idle_ns", "wait_busy_ns"))
    calls = f"{format_count(side.returned)} calls"
    if round(told_ns) == true_ns:
        return f"Waiting adds up to the {format_ns(true_ns)} that {calls} waited, to the nanosecond"
    return f"Waiting holds {format_ns(told_ns)}, but {calls} waited {format_ns(true_ns)}: it does not add up"


def _how(side: Side, facts: WaitFacts) -> str:
    """Return the overhead of reading stacks, and the time without a stack; empty where unknown."""
    all_s, short_s = facts.reading_all_s, facts.on_no_stack_s
    if all_s is None or short_s is None:
        return ""
    watched_s = side.run.measured_s + side.run.document.plan.warmup_s
    short = f", {format_ns(short_s * NS_PER_S)} of it in waits too short for a stack" if short_s else ""
    return f"{short}; reading stacks took {format_percent(all_s / max(watched_s, all_s))} of the time"
