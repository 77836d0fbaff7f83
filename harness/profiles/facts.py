"""Facts about CPU, wait and memory profiles beside their stacks: the profiler's account of its own work.

A fact that an earlier version did not write is None, or 0 where None means that it was looked for and not available.
"""

import msgspec

from harness.clock import NS_PER_S


class CpuFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of a CPU profile. Every sample is kept, idle, of the pacer, or torn.

    `rate_got_hz` is samples per second of CPU that the process used, without those that are `idle` (waiting uses no CPU)
    and those of child processes. `behind_s` is the largest delay of py-spy itself.
    """

    mode: str | None = None
    rate_asked_hz: int | None = None
    rate_got_hz: float | None = 0.0
    samples: int | None = None
    errors: int | None = None
    kept: int | None = None
    idle: int | None = None
    paced: int | None = None
    torn: int | None = None
    seconds: float | None = None
    cpu_s: float | None = 0.0
    behind_s: float | None = None
    child_samples: int | None = None
    """The part of `kept` that belongs to child processes; None where they were not sampled."""
    overhead_budget_share: float | None = None
    """The share of the time that sampling was allowed to cost."""
    looks: int | None = None
    """Number of looks at the process, from which the cost of sampling is known; None where looking was impossible."""
    overhead_share: float | None = None
    overhead_low_share: float | None = None
    overhead_high_share: float | None = None
    service_p50_ns: int | float | None = 0
    """The service time under the profiler; compared with the timing run's it gives the cost of the profiler."""
    service_mean_ns: int | float | None = 0

    @property
    def rate_hz(self) -> float:
        """Samples per second: the rate achieved, else the rate asked for; 0 where neither is known."""
        return self.rate_got_hz or self.rate_asked_hz or 0

    @property
    def ns_per_sample(self) -> float | None:
        """CPU time that one sample stands for, in ns; None where the rate is not known."""
        return NS_PER_S / self.rate_hz if self.rate_hz > 0 else None


class WaitFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of a wait profile; times are sums over the calls that it covers."""

    waited_idle_s: float | None = None
    waited_busy_s: float | None = None
    on_no_stack_s: float | None = None
    stacks_read: int | None = None
    frames_per_stack: float | None = None
    reading_one_ns: float | None = None
    reading_all_s: float | None = None
    least_waited_per_stack_ns: int | None = None


_MOST_ELSEWHERE = 0.02
"""Share of a target's allocations outside any operation above which reports show it; as for exact counts."""


class MemoryFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of a memory profile; "within" means inside the marker of an operation.

    Counts within are exact for equal requests, those outside vary from run to run. `peak_bytes` is the largest amount
    held at once of memory allocated while tracking, within and outside; `leaked_bytes` the amount still held
    at the end, caches included.
    """

    peak_bytes: int | None = None
    allocations: int | None = None
    allocated_bytes: int | None = None
    allocations_per_operation: dict[str, int] | None = None
    bytes_per_operation: dict[str, int] | None = None
    outside_allocations: int | None = None
    outside_bytes: int | None = None
    leaked_bytes: int | None = None
    leaked_bytes_within: int | None = None
    elsewhere_allocations: int | None = None
    """The part of `outside_allocations` made by code of the target, on threads and greenlets that work for no call.

    On Python 3.11 coroutines that caught a cancellation are among it: the interpreter does not tell profilers of the
    frames above one that catches what was thrown into it (python/cpython#106749).
    """
    failed: int | None = None
    """Number of profiled calls that failed."""
    child_processes: int | None = None
    """Number of forks followed; None where they were not to be followed. The fields below sum their allocations."""
    child_allocations: int | None = None
    child_allocated_bytes: int | None = None
    child_peak_bytes: int | None = None
    """The largest peak of a single fork."""
    lost_children: int | None = None
    """Forks that memray aborted because they close all descriptors, as daemons do; their allocations are not in the counts."""

    @property
    def elsewhere_share(self) -> float | None:
        """Share of the target's allocations outside any operation; None where it is negligible."""
        elsewhere, within = self.elsewhere_allocations or 0, self.allocations or 0
        share = elsewhere / (elsewhere + within) if elsewhere else 0.0
        return share if share > _MOST_ELSEWHERE else None
