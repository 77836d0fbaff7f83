"""What is written of a run: the schema of `run.json`.

Schema history: 1, the first.
"""

from typing import Annotated, Any

import msgspec

from harness.plans.plan import MAX_DURATION_S, MAX_STAGES, Span
from harness.policy.thresholds import Thresholds
from harness.profiles.facts import CpuFacts, MemoryFacts, WaitFacts
from harness.storage.folder import SCHEMA

# Bounds that a damaged file breaks and a run never does. What reads a run takes memory by some of them.
_MOST = 1e10
_MOST_OPERATIONS = 65_536
Duration = Annotated[float, msgspec.Meta(gt=0, le=MAX_DURATION_S)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=_MOST)]


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was meant to happen."""

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
    """The trace that was replayed; empty where the plan made the arrivals."""
    searched: dict[str, float] = {}
    """Where the number of users was found: calls per second by number of users."""

    def __post_init__(self) -> None:
        """Refuse spans out of all bounds; `msgspec` makes this a fault of the file."""
        if all(span.warmup for span in self.spans):
            raise ValueError("the plan has no measured span")
        for span in self.spans:
            if not -_MOST <= span.start_s <= span.end_s <= _MOST:
                raise ValueError(f"the span '{span.label}' ends before it starts, or is out of all bounds")
            if not all(0 <= rate <= _MOST for rate in (span.start_rate_per_s, span.end_rate_per_s)):
                raise ValueError(f"the span '{span.label}' has no possible rate")


class ProfileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one profile; `reason` says why there is none, or what it lacks."""

    file: str | None = None
    reason: str | None = None
    requests: dict[str, int] = {}


class CpuProfile(ProfileFacts, frozen=True, kw_only=True):
    """What came of a CPU profile."""

    facts: CpuFacts = CpuFacts()


class WaitProfile(ProfileFacts, frozen=True, kw_only=True):
    """What came of a wait profile."""

    facts: WaitFacts = WaitFacts()


class MemoryProfile(ProfileFacts, frozen=True, kw_only=True):
    """What came of a memory profile."""

    facts: MemoryFacts = MemoryFacts()


AnyProfile = CpuProfile | WaitProfile | MemoryProfile


class Profiles(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What came of the profiles of a run, by kind; None of a kind that nobody asked for."""

    wait: WaitProfile | None = None
    cpu: CpuProfile | None = None
    memory: MemoryProfile | None = None

    def by_kind(self) -> dict[str, AnyProfile]:
        """Return those that were asked for."""
        every = {"wait": self.wait, "cpu": self.cpu, "memory": self.memory}
        return {kind: one for kind, one in every.items() if one is not None}


class BackendFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One server behind the target: the highest rate it gave when probed, and the rate that the run asked for."""

    ceiling_per_s: float | None = None
    what: str = ""
    achieved_per_s: float | None = None


class HostFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine did to the measured process during the measured time, as shares of it."""

    descheduled_share: float | None = None
    cpu_share: float | None = None
    steal_share: float | None = None
    load_average: float | None = None


class WorkerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One of several workers: its part of the measured time's outcomes, and what the machine did to it.

    `lost` says how its process ended if not in good order; `undone_share` is the part of the whole plan that it left.
    """

    name: str
    outcomes: dict[str, int]
    host: HostFacts = HostFacts()
    response_ns: dict[str, int | None] = {}
    """Percentiles of its response times; None where too few calls stand behind one."""
    lost: str | None = None
    undone_share: float = 0.0


class LocustFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Of a run that plain Locust drove: what Locust counted of each operation, to be held against the table of calls.

    `was_reset` says that Locust's statistics were set to zero on the way; `notes` degrade the run.
    """

    counted: dict[str, int] = {}
    was_reset: bool = False
    notes: list[str] = []


class RunDocument(msgspec.Struct, kw_only=True):
    """`run.json`: everything about a run but its calls."""

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
    """The limits of validity that the project had set; None: the usual ones."""
    slos: list[str] = []
    """The limits that the run was asked to hold, as they were typed."""
    shape: list[str] = []
    """The options that shaped the plan beyond scenario, rate, users and time: needed to run it again."""
    interrupted: bool = False
    trouble: list[str] = []
    notes: list[str] = []
    """What degrades the run without touching its numbers: what came when all was measured."""
    host: HostFacts = HostFacts()
    workers: list[WorkerFacts] = []
    """Empty where one process did it all; `host` is then of that process, else the worst of the workers."""
    locust: LocustFacts | None = None
    """None where the harness drove."""
    backends: dict[str, BackendFacts] = {}
    profiles: Profiles = msgspec.field(default_factory=Profiles)
