"""The schema of `run.json`.

Schema history: 1, the first.
"""

from typing import Annotated, Any

import msgspec

from harness.plans.plan import MAX_DURATION_S, MAX_STAGES
from harness.plans.span import Span
from harness.policy.thresholds import Thresholds
from harness.profiles.facts import CpuFacts, MemoryFacts, WaitFacts
from harness.storage.folder import SCHEMA

# Bounds that only a damaged file exceeds. Readers of a run allocate memory by some of these values.
_MOST = 1e10
_MOST_OPERATIONS = 65_536
_MOST_READINGS = 10_000
Duration = Annotated[float, msgspec.Meta(gt=0, le=MAX_DURATION_S)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=_MOST)]


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a run."""

    executor: str
    arrivals: str
    rate_per_s: NotNegative
    users: int
    think_time_s: NotNegative
    duration_s: Duration
    warmup_s: NotNegative
    in_flight_limit: int
    drain_s: NotNegative
    spans: Annotated[tuple[Span, ...], msgspec.Meta(max_length=MAX_STAGES)]
    operations: Annotated[dict[str, float], msgspec.Meta(max_length=_MOST_OPERATIONS)]
    replayed: str = ""
    """Name of the replayed trace; empty if the plan made the arrivals."""
    searched: dict[str, float] = {}
    """Throughput in calls per second by number of users, of the search that found the number of users."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for impossible spans; `msgspec` turns it into a validation error of the file."""
        if all(span.warmup for span in self.spans):
            raise ValueError("the plan has no measured span")
        for span in self.spans:
            if not -_MOST <= span.start_s <= span.end_s <= _MOST:
                raise ValueError(
                    f"the span '{span.label}' ends before it starts, or exceeds the bounds of time"
                )
            if not all(0 <= rate <= _MOST for rate in (span.start_rate_per_s, span.end_rate_per_s)):
                raise ValueError(f"the span '{span.label}' has an impossible rate")


class ProfileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A profiler's facts about its own work; `reason` is why a profile is missing."""

    file: str | None = None
    reason: str | None = None
    requests: dict[str, int] = {}


class CpuProfile(ProfileFacts, frozen=True, kw_only=True):
    """Result of a CPU profile."""

    facts: CpuFacts = CpuFacts()


class WaitProfile(ProfileFacts, frozen=True, kw_only=True):
    """Result of a wait profile."""

    facts: WaitFacts = WaitFacts()


class MemoryProfile(ProfileFacts, frozen=True, kw_only=True):
    """Result of a memory profile."""

    facts: MemoryFacts = MemoryFacts()


AnyProfile = CpuProfile | WaitProfile | MemoryProfile


class Profiles(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Results of the profiles of a run, by kind; None for a kind that was not requested."""

    wait: WaitProfile | None = None
    cpu: CpuProfile | None = None
    memory: MemoryProfile | None = None

    def by_kind(self) -> dict[str, AnyProfile]:
        """Return those that were asked for."""
        every = {"wait": self.wait, "cpu": self.cpu, "memory": self.memory}
        return {kind: one for kind, one in every.items() if one is not None}


class BackendFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One server behind the target, or the client before it: its highest rate in a probe, and the rate in the run."""

    ceiling_per_s: float | None = None
    what: str = ""
    achieved_per_s: float | None = None
    is_client: bool = False
    """True for the harness's own HTTP client: then the rates are those that it made, and its ceiling is the load generator's."""


class ServerUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Resources of a server's process tree over the run: equally long lists, one value for each reading.

    `at_s` is in seconds from time zero (negative in warm-up). `cpu_s` is the CPU time since the server started, of all of its
    processes, the ended ones included. `rss_bytes` is the sum over processes: a page that two of them share counts twice.
    """

    at_s: Annotated[list[float], msgspec.Meta(max_length=_MOST_READINGS)] = []
    cpu_s: list[NotNegative] = []
    rss_bytes: list[Annotated[int, msgspec.Meta(ge=0)]] = []
    descriptors: list[int] = []
    threads: list[int] = []
    processes: list[int] = []

    def __post_init__(self) -> None:
        """Raise `ValueError` for lists of different lengths; `msgspec` turns it into a validation error of the file."""
        columns = (self.cpu_s, self.rss_bytes, self.descriptors, self.threads, self.processes)
        if any(len(column) != len(self.at_s) for column in columns):
            raise ValueError("the server's readings have columns of different lengths")


class ServedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The server that the harness started for the run; `command` is as configured, `start_s` the time until it was ready."""

    name: str
    command: str
    port: int
    start_s: NotNegative
    trouble: str | None = None
    """The sentence on a server that ended during the run."""
    usage: ServerUsage = ServerUsage()


class HostFacts(msgspec.Struct, frozen=True, kw_only=True):
    """CPU contention of the measured process and its machine, as shares of the measured time."""

    descheduled_share: float | None = None
    cpu_share: float | None = None
    steal_share: float | None = None
    load_average: float | None = None


class WorkerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One of several workers: its outcomes of the measured time, and the CPU contention of its process.

    `lost` is how its process ended, if not normally; `undone_share` is the share of the whole plan that it left undone.
    `placed_within_ns` is the largest error of its time zero against that of the whole, in ns, which is 0 on one machine; None if the
    clocks of the machines were not compared.
    """

    name: str
    outcomes: dict[str, int]
    host: HostFacts = HostFacts()
    response_ns: dict[str, int | None] = {}
    """Percentiles of its response times, in ns; None for a percentile with too few calls."""
    lost: str | None = None
    undone_share: float = 0.0
    placed_within_ns: int | None = 0


class LocustFacts(msgspec.Struct, kw_only=True):
    """Locust's own counts by operation in a run that plain Locust drove, to compare with the table of calls.

    `was_reset` is True if Locust's statistics were reset during the run; `notes` degrade the run.
    """

    file: str = ""
    """Name of the locustfile; empty if the users were the harness's own."""
    is_in_process: bool = False
    """True if the users called an application of Locust's process, without a socket."""
    users: list[tuple[float, int]] = []
    """Users alive from each time on, in s from time zero."""
    is_ramped: bool = True
    """False if the test ended before all of its users were started: then the ramp-up is what was measured."""
    counted: dict[str, int] = {}
    was_reset: bool = False
    notes: list[str] = []


class RunDocument(msgspec.Struct, kw_only=True):
    """`run.json`: everything about a run except its calls."""

    schema: int = SCHEMA
    status: str = "running"
    kind: str = "load"
    scenario: str
    target: str
    variant: str
    seed: int
    started_at: str
    command: str
    plan: PlanFacts
    environment: dict[str, Any]
    thresholds: Thresholds | None = None
    """Validity limits of the project at the time of the run; None for the default limits."""
    slos: list[str] = []
    """SLOs of the run, as typed."""
    shape: list[str] = []
    """Options that shaped the plan beyond scenario, rate, users and duration: needed to run it again."""
    traceparent: bool = False
    """True if the target got the header `traceparent` of each call."""
    interrupted: bool = False
    trouble: list[str] = []
    notes: list[str] = []
    """Facts of the target, and events after the measured time, that degrade the run without affecting its numbers."""
    remarks: list[str] = []
    """Facts of the target's requests that do not degrade the run, such as parts of their file that are not used."""
    host: HostFacts = HostFacts()
    workers: list[WorkerFacts] = []
    """Workers of the run; empty if one process drove all calls. `host` is of that process, else the worst of the workers."""
    locust: LocustFacts | None = None
    """Locust's own counts; None if the harness drove the run."""
    served: ServedFacts | None = None
    """The server under test, if the harness started it."""
    backends: dict[str, BackendFacts] = {}
    profiles: Profiles = msgspec.field(default_factory=Profiles)
