"""What is to be known about a CPU, a wait and a memory profile, beside its stacks: what the profiler says of its own work.

A fact that an earlier version did not write is missing here too: it is then `None`, or 0 where `None` means that it was
looked for and not to be had.
"""

import msgspec

from harness.clock import NS_PER_S


class CpuFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of a CPU profile. Every sample is kept, idle, of the pacer, or torn.

    `rate_got_hz` is samples for each second of CPU that the process used: of all but those that are `idle`, which waited
    and used none, and those of child processes. `behind_s` is how late py-spy itself ever was.
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
    """The part of `kept` that child processes had; None where nobody asked for them."""
    overhead_budget_share: float | None = None
    """What sampling might cost, as a share of the time."""
    looks: int | None = None
    """How often the process was looked at, to tell what sampling cost; None where it cannot be told."""
    overhead_share: float | None = None
    overhead_low_share: float | None = None
    overhead_high_share: float | None = None
    service_p50_ns: int | float | None = 0
    """The service time under the profiler: against the timing run's, what the profiler cost."""
    service_mean_ns: int | float | None = 0

    @property
    def rate_hz(self) -> float:
        """Samples per second: as many as were got, else as many as were asked for; 0 where neither is known."""
        return self.rate_got_hz or self.rate_asked_hz or 0

    @property
    def ns_per_sample(self) -> float | None:
        """CPU time that one sample stands for, in ns; None where the rate is not known."""
        return NS_PER_S / self.rate_hz if self.rate_hz > 0 else None


class WaitFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of a wait profile; times are sums over the calls that it covers."""

    waited_idle_s: float | None = None
    waited_busy_s: float | None = None
    on_no_stack_s: float | None = None
    stacks_read: int | None = None
    frames_per_stack: float | None = None
    reading_one_ns: float | None = None
    reading_all_s: float | None = None
    least_waited_per_stack_ns: int | None = None


class MemoryFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of a memory profile; "within" means inside the marker of an operation.

    Counts within are exact for equal requests, those outside move from run to run. `peak_bytes` is the most that
    was held at once of what was allocated while tracking, within and outside; `leaked_bytes` what was still held
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
    """The part of `outside_allocations` that code of the target made, on threads and greenlets that work for no call."""
    failed: int | None = None
    """How many of the profiled calls failed."""
    child_processes: int | None = None
    """How many forks were followed; None where nobody asked for them. What they allocated, all together, is below."""
    child_allocations: int | None = None
    child_allocated_bytes: int | None = None
    child_peak_bytes: int | None = None
    """What no single fork held more than at once."""
    lost_children: int | None = None
    """A fork that closes all descriptors, as daemons do, is aborted by memray; nothing of it is in the counts."""
