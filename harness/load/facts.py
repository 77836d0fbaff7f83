"""What a measuring process says of itself: before the run, at its time zero and at its end."""

import resource
import time
from pathlib import Path

import msgspec

from harness.clock import NS_PER_S, SystemClock
from harness.failures import Failure
from harness.load.garbage import GarbageWatch
from harness.load.overhead import recorder_ns_per_call, split_ns_per_switch, waits_ns_per_switch
from harness.load.split import Split
from harness.load.waits import Waits
from harness.model import Executor
from harness.run import LoadFacts
from harness.target import Counters


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
    facts: LoadFacts, *, ended_ns: int, garbage: GarbageWatch, counters: Counters, failures: list[Failure], in_flight_peak: int, stopped: str | None,
) -> LoadFacts:  # fmt: skip
    """Return the facts once all has ended; `ended_ns` is the end of the measured time."""
    return msgspec.structs.replace(
        facts,
        ended_ns=ended_ns,
        clock_step_s=_unix_s(facts.origin_ns) - facts.origin_unix_s,
        garbage_collections=garbage.collections,
        garbage_ns=garbage.spent_ns,
        in_flight_peak=in_flight_peak,
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        counters=counters.growth(),
        counters_trouble=counters.trouble,
        failures=failures,
        stopped=stopped,
    )


def _unix_s(origin_ns: int) -> float:
    """Return the wall clock at the origin, as it reads now: a step of the wall clock moves it."""
    return time.time() - (SystemClock.now_ns() - origin_ns) / NS_PER_S
