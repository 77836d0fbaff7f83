"""What a measured process says of itself once a load run has ended: `timing/facts.json`."""

import msgspec

from harness.target.failures import Failure


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """Stretches of over 1 ms for which an operation held the loop: how many, how long, how much of it without the processor."""

    stretches: int
    held_ns: int
    blocked_ns: int


class ChildFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What child processes of the measured one did in the measured time: CPU of all, and what no single one had more memory than.

    It is a bound: the kernel counts into a child what its parent held when it started it. `running` is how many were left at the end, `waited_ns` how long calls waited for them, over all calls.
    """

    cpu_s: float = 0.0
    most_rss_bytes: int = 0
    running: int = 0
    waited_ns: int = 0


class LoadFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the measured process says of itself; written by it into `timing/facts.json`."""

    origin_ns: int
    origin_unix_s: float
    clock_step_s: float = 0.0
    ended_ns: int | None = None
    replaced_time_s: float | None = 0.0
    """By how much `time.time` of the process differed from the wall clock at the end; None where it could not be called."""
    recorder_ns_per_call: float = 0.0
    split: bool = False
    split_ns_per_switch: float = 0.0
    split_taken: bool = False
    """Another tool replaced the switch hook in the middle: `split` is false then, as with `--no-split`."""
    waits_ns_per_switch: float = 0.0
    """What the wait profile adds to `split_ns_per_switch`; 0 where there is none."""
    garbage_collections: int = 0
    garbage_ns: int = 0
    in_flight_peak: int = 0
    peak_rss_bytes: int = 0
    counters: dict[str, dict[str, int]] = {}
    counters_trouble: str | None = None
    failures: list[Failure] = []
    stopped: str | None = None
    judged_by: str = ""
    """By what answers were judged, as a sentence; empty where no answer had a status, or the target judged itself."""
    aside_ns: int = 0
    """What judging answers and renewing events took, between calls."""
    events_changed: int = 0
    """How many calls changed the event that they got, which the next call then got as it was made."""
    blocked: dict[str, Blocked] = {}
    """By operation; empty where the split was off."""
    halted_ns: int = 0
    """How long the thread of the loop slept although it had work, and was not descheduled."""
    longest_halt_ns: int = 0
    children: ChildFacts | None = None
    """None where calls had no child processes."""
