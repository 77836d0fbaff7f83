"""Collect the facts of a measuring process about itself, at its time zero and at its end."""

import dataclasses
import resource
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from harness.clock import NS_PER_S, SystemClock, wall_s
from harness.load.blocking import Blocking
from harness.load.calling import Work
from harness.load.children import ChildWatch
from harness.load.garbage import GarbageWatch
from harness.load.run_delay import RunDelay
from harness.run.facts import Blocked, LoadFacts
from harness.table.heldby import BACKGROUND, OTHERS
from harness.target.counters import Counters
from harness.target.renewing import events_changed

if TYPE_CHECKING:
    from harness.load.stretches import Stretches

# Time that may pass between two readings on a busy machine.
_APART_S = 1.0


def at_origin(facts: LoadFacts, origin_ns: int) -> LoadFacts:
    """Return the facts with time zero in them."""
    return msgspec.structs.replace(facts, origin_ns=origin_ns, origin_unix_s=_unix_s(origin_ns))


@dataclasses.dataclass(frozen=True, slots=True)
class Watches:
    """The watches of one test, and the operations that it called."""

    work: Work
    split: "Stretches | None"
    garbage: GarbageWatch
    delay: RunDelay
    counters: Counters
    children: ChildWatch


def at_end(
    facts: LoadFacts, watches: Watches, *, ended_ns: int, in_flight_peak: int, stopped: str | None
) -> LoadFacts:
    """Return the facts after everything has ended; `ended_ns` is the end of the measured time."""
    work, split = watches.work, watches.split
    facts = of_process(facts, split, watches.garbage, ended_ns=ended_ns, in_flight_peak=in_flight_peak)
    looked = split.blocking if split and not facts.split_taken else None
    return msgspec.structs.replace(
        facts,
        children=watches.children.facts(),
        counters=watches.counters.growth(),
        counters_trouble=watches.counters.trouble,
        failures=work.failures.found(work.names),
        stopped=stopped,
        judged_by=work.judge.rule() if work.judge else "",
        aside_ns=work.spent[0],
        events_changed=events_changed(work.events),
        blocked=_blocked(looked, work.names) if looked else {},
        halted_ns=watches.delay.halted_ns,
        longest_halt_ns=watches.delay.longest_halt_ns,
    )


def of_process(
    facts: LoadFacts, split: "Stretches | None", garbage: GarbageWatch, *, ended_ns: int, in_flight_peak: int
) -> LoadFacts:
    """Return the facts of a process at the end of a test, whatever made its calls."""
    is_taken = split is not None and split.was_taken
    return msgspec.structs.replace(
        facts,
        split=facts.split and not is_taken,
        split_taken=is_taken,
        ended_ns=ended_ns,
        clock_step_s=_unix_s(facts.origin_ns) - facts.origin_unix_s,
        replaced_time_s=_replaced_s(),
        garbage_collections=garbage.collections,
        garbage_ns=garbage.spent_ns,
        in_flight_peak=in_flight_peak,
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _blocked(looked: Blocking, names: Sequence[str]) -> dict[str, Blocked]:
    """Return the time that the event loop was blocked without using the CPU, by the operation that held it."""
    return {
        name: Blocked(
            stretches=looked.stretches[place],
            held_ns=looked.held_ns[place],
            blocked_ns=looked.blocked_ns[place],
        )
        for holder, name in enumerate((*names, OTHERS))
        if looked.stretches[place := holder if holder < len(names) else BACKGROUND]
    }


def _replaced_s() -> float | None:
    """Return the difference of the process's `time.time` from the wall clock in s; 0 if they agree."""
    try:
        apart_s = float(time.time()) - wall_s()
    except (Exception, SystemExit):  # noqa: BLE001 - the target may have replaced the function
        return None
    return apart_s if abs(apart_s) > _APART_S else 0.0


def _unix_s(origin_ns: int) -> float:
    """Return the wall clock at the origin, derived from the wall clock now: a step of the wall clock changes it."""
    return wall_s() - (SystemClock.now_ns() - origin_ns) / NS_PER_S
