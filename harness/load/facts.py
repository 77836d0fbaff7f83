"""What a measuring process says of itself: before the run, at its time zero and at its end."""

import resource
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.clock import NS_PER_S, SystemClock, wall_s
from harness.load.calling import Work
from harness.load.garbage import GarbageWatch
from harness.load.host import RunDelay
from harness.load.overhead import recorder_ns_per_call, split_ns_per_switch, waits_ns_per_switch
from harness.load.split import Split
from harness.load.waits import Waits
from harness.model import Executor
from harness.run.facts import Blocked, LoadFacts
from harness.table.heldby import BACKGROUND, NAMES
from harness.target.loading import Counters
from harness.target.renewing import events_changed

# What may pass between two readings on a busy machine.
_APART_S = 1.0
OTHERS = NAMES[BACKGROUND]


def measured_overhead(
    scratch: Path, split: Split | None, executor: Executor, waits: Waits | None
) -> LoadFacts:
    """Return the facts before the run; `scratch` is written and removed, and `waits` is used up."""
    return LoadFacts(
        origin_ns=0,
        origin_unix_s=0.0,
        split=split is not None,
        recorder_ns_per_call=recorder_ns_per_call(scratch, split, executor),
        split_ns_per_switch=split_ns_per_switch(split) if split else 0.0,
        waits_ns_per_switch=waits_ns_per_switch(split, waits) if split and waits else 0.0,
    )


def at_origin(facts: LoadFacts, origin_ns: int) -> LoadFacts:
    """Return the facts with time zero in them."""
    return msgspec.structs.replace(facts, origin_ns=origin_ns, origin_unix_s=_unix_s(origin_ns))


def as_split(facts: LoadFacts, split: Split | None) -> LoadFacts:
    """Return the facts with whether another tool has taken the switch hook by now."""
    is_taken = split is not None and split.was_taken
    return msgspec.structs.replace(facts, split=facts.split and not is_taken, split_taken=is_taken)


def at_end(
    facts: LoadFacts, *, ended_ns: int, garbage: GarbageWatch, counters: Counters,
    in_flight_peak: int, stopped: str | None, work: Work,
) -> LoadFacts:  # fmt: skip
    """Return the facts once all has ended; `ended_ns` is the end of the measured time."""
    return msgspec.structs.replace(
        facts,
        ended_ns=ended_ns,
        clock_step_s=_unix_s(facts.origin_ns) - facts.origin_unix_s,
        replaced_time_s=_replaced_s(),
        garbage_collections=garbage.collections,
        garbage_ns=garbage.spent_ns,
        in_flight_peak=in_flight_peak,
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        counters=counters.growth(),
        counters_trouble=counters.trouble,
        failures=work.failures.found(work.names),
        stopped=stopped,
        judged_by=work.judge.rule() if work.judge else "",
        aside_ns=work.spent[0],
        events_changed=events_changed(work.events),
    )


def with_processor(facts: LoadFacts, split: Split | None, delay: RunDelay, names: Sequence[str]) -> LoadFacts:
    """Return the facts with what the loop did without the processor; `names` are those of the operations.

    Nothing is said of who held it where there is no split, or another tool took it.
    """
    looked = split.blocking if split and not split.was_taken else None
    by_holder = enumerate((*names, OTHERS)) if looked else ()
    blocked = {
        name: Blocked(
            stretches=looked.stretches[place],
            held_ns=looked.held_ns[place],
            blocked_ns=looked.blocked_ns[place],
        )
        for holder, name in by_holder
        if looked and looked.stretches[place := holder if holder < len(names) else BACKGROUND]
    }
    return msgspec.structs.replace(
        facts, blocked=blocked, halted_ns=delay.halted_ns, longest_halt_ns=delay.longest_halt_ns
    )


def _replaced_s() -> float | None:
    """Return by how much the process's `time.time` differs from the wall clock; 0 where it is the same."""
    try:
        apart_s = float(time.time()) - wall_s()
    except (Exception, SystemExit):  # noqa: BLE001 - whatever the target has put there
        return None
    return apart_s if abs(apart_s) > _APART_S else 0.0


def _unix_s(origin_ns: int) -> float:
    """Return the wall clock at the origin, as it reads now: a step of the wall clock moves it."""
    return wall_s() - (SystemClock.now_ns() - origin_ns) / NS_PER_S
