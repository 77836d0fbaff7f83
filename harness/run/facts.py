"""Facts that a measured process reports at the end of a load run: `timing/facts.json`."""

import msgspec

from harness.model import Engine
from harness.run.client_facts import ClientFacts
from harness.target.failures import Failure
from harness.target.journey_ends import JourneyFacts

MOST_THREADS = 1_000
"""Bound of the pool of threads that make the calls of an open model."""


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """Stretches of over 1 ms in which an operation held the event loop: number, total time, and the part spent blocked."""

    stretches: int
    held_ns: int
    blocked_ns: int


class ChildFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Resources of the measured process's children in the measured time: CPU of all, and an upper bound of each one's memory.

    The memory is a bound because the kernel counts the memory of the parent into a child at its start. `running` is the
    number left at the end, `waited_ns` the time that calls waited for children, over all calls.
    """

    cpu_s: float = 0.0
    most_rss_bytes: int = 0
    running: int = 0
    waited_ns: int = 0


class ThreadCpu(msgspec.Struct, frozen=True, kw_only=True):
    """CPU time of the threads that made the calls of an operation, while they made them; over the calls of the measured time."""

    calls: int
    cpu_ns: int


class InThreads(msgspec.Struct, frozen=True, kw_only=True):
    """Functions that the calls of an operation handed to threads, in an event loop: their time and CPU time."""

    length_ns: int
    cpu_ns: int


class LoadFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that the measured process writes into `timing/facts.json`."""

    origin_ns: int
    origin_unix_s: float
    engine: Engine = Engine.GEVENT
    """The way in which overlapping calls ran."""
    clock_step_s: float = 0.0
    ended_ns: int | None = None
    replaced_time_s: float | None = 0.0
    """Difference of the process's `time.time` from the wall clock at the end, in s; None if it could not be called."""
    recorder_ns_per_call: float = 0.0
    split: bool = False
    split_ns_per_switch: float = 0.0
    split_taken: bool = False
    """True if another tool replaced the switch hook during the run; `split` is then False, as with `--no-split`."""
    waits_ns_per_switch: float = 0.0
    """Cost that the wait profile adds to `split_ns_per_switch`; 0 without a wait profile."""
    garbage_collections: int = 0
    garbage_ns: int = 0
    in_flight_peak: int = 0
    peak_rss_bytes: int = 0
    counters: dict[str, dict[str, int]] = {}
    counters_trouble: str | None = None
    failures: list[Failure] = []
    stopped: str | None = None
    judged_by: str = ""
    """Rule by which answers were judged, as a sentence; empty if no answer had a status or the target judged its answers."""
    aside_ns: int = 0
    """Time spent between calls on judging answers and renewing events."""
    events_changed: int = 0
    """Number of calls that changed their event; the harness restored it for the next call."""
    left_tasks: dict[str, int] = {}
    """Number of asyncio tasks that ran on after the call which started them had returned, by operation."""
    in_threads: dict[str, InThreads] = {}
    """Work that calls handed from an event loop to threads, by operation; calls wait for it, so it is none of their run."""
    blocked: dict[str, Blocked] = {}
    """Blocked stretches by operation; empty if the split was off."""
    halted_ns: int = 0
    """Time that the event loop's thread slept although it had work and was not descheduled."""
    longest_halt_ns: int = 0
    children: ChildFacts | None = None
    """Resources of child processes; None if calls had no child processes."""
    journeys: JourneyFacts | None = None
    """Ends of the users' journeys; None for a target without a journey."""
    is_remote: bool = False
    """True if the calls were requests to another process: what ran in this one was the harness's own client."""
    client: ClientFacts | None = None
    """Facts of a process with the users of a locustfile; None where the harness has its own users."""
    threads: int = 0
    """Number of threads that made calls; 0 unless the engine is `threads`."""
    thread_cpu: dict[str, ThreadCpu] = {}
    """CPU time of calls by operation, where threads made them; it includes no work of other threads or processes."""
    thread_cpu_read_ns: float = 0.0
    """CPU time of a call that does nothing, in ns: that of reading it, which is part of every call's."""
    left_running: int = 0
    """Number of calls that could not be ended with the run: those of threads, which ran on until the end of the process."""

    @property
    def knows_lateness(self) -> bool:
        """True if the causes of late starts were looked for: by the split of the event loop, or by the CPU times of threads."""
        return self.split or self.engine is Engine.THREADS
