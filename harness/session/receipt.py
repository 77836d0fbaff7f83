"""The receipt: the raw record of a session, from which every verdict can be reached again.

Times are nanoseconds, counts are per request. A receipt is written whole after every block, so that what was
measured survives whatever ends the session.

Schema history: 1, the first.
"""

import enum
from typing import Any

import msgspec

from harness.policy.slo import LimitCount

SCHEMA = 1

NULL_CONTROL = "control:null"
"""The benchmark that measures the base against itself, from two places; `Benchmark.of` names what it runs."""


class Side(enum.StrEnum):
    """One of the two subjects."""

    BASE = "base"
    CANDIDATE = "candidate"

    @property
    def other(self) -> "Side":
        """The side that this one is compared with."""
        return Side.CANDIDATE if self is Side.BASE else Side.BASE


class Phase(enum.StrEnum):
    """Why a block was made. Blocks of `confirm` are fresh data: they judge what the others brought up."""

    SCREEN = "screen"
    EXTEND = "extend"
    CONFIRM = "confirm"


class State(enum.StrEnum):
    """Which sides can run a benchmark."""

    BOTH = "both"
    NEW = "new"
    """Only the candidate runs it: it is of no use to the base, or came with the change."""
    REMOVED = "removed"
    """Only the base has it."""
    BROKEN = "broken"
    """The base runs it and the candidate fails."""


class SubjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one side was: its spec as typed, its full revision with `+changes` if the tree differed, its label."""

    spec: str
    label: str
    revision: str | None = None
    environment_lock: str | None = None
    """The digest of the lock file, where the side got an environment of its own."""


class MeasuredRoot(msgspec.Struct, frozen=True, kw_only=True):
    """A package or module that was measured: its import name, and its place in the tree of each side that has it.

    `base_compiled` and `candidate_compiled` are its compiled modules and libraries, by import name.
    """

    name: str
    base: str | None = None
    candidate: str | None = None
    base_compiled: list[str] = []
    candidate_compiled: list[str] = []


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark of the session. `calls` is how many calls one slice makes, the same for both sides."""

    name: str
    state: State = State.BOTH
    calls: int = 1
    base_ns: float | None = None
    """Per call, roughly, when the session was planned."""
    candidate_ns: float | None = None
    note: str = ""
    of: str | None = None
    pairs: int = 40
    """How many pairs of slices a block measures; fewer where one call is long."""
    warm_calls: int = 0
    """How many calls warm it up in each slot, the same on both sides."""


class Slices(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark in one block: as many slices of each side, pair by pair.

    `first[i]` is 0 if the base's slice of pair i ran first, 1 if the candidate's did. `base_cpu_ns` and
    `candidate_cpu_ns` are CPU time of the measuring thread over the same slices.
    """

    base_ns: list[int]
    candidate_ns: list[int]
    first: list[int]
    base_cpu_ns: list[int] = []
    candidate_cpu_ns: list[int] = []


class Sentinel(msgspec.Struct, frozen=True, kw_only=True):
    """The same fixed loop, timed in every slot of the block between the benchmarks; one list for each slot."""

    base_ns: list[int]
    candidate_ns: list[int]
    null_ns: list[int] = []


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of slots, and what it measured of each benchmark. `spawned` is the order in which they started.

    `import_ns` is how long each side took to import the benchmarks. A block with `trouble` measured nothing usable
    and says why; it is kept, and is nobody's evidence. `failed` names the benchmarks that could not be measured in
    this block, and why. `order` is the order of the benchmarks.
    """

    number: int
    phase: Phase
    seed: int
    cpu: int
    spawned: list[str]
    swapped: bool = False
    slices: dict[str, Slices] = {}
    sentinel: Sentinel | None = None
    import_ns: dict[str, int] = {}
    started_unix_s: float = 0.0
    seconds: float = 0.0
    trouble: str | None = None
    failed: dict[str, str] = {}
    order: list[str] = []
    hash_seed: int = 0
    padding_bytes: int = 0
    fixed_layout: bool = False
    """Both sides had the same places in memory. Where the kernel forbids that, blocks scatter more."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One load run of one side: `{operation: {metric: value}}`, with `all` as the operation of the whole.

    Metrics: throughput_per_s, p50_ns, p95_ns, p99_ns (of the response time, left out where too few calls returned),
    error_share (planned calls that did not complete), and of `all` cold_start_ns (importing, making and opening the
    target). `counts` are the planned calls by operation.
    """

    values: dict[str, dict[str, float]]
    counts: dict[str, int]
    validity: str
    file: str = ""
    """Where the code of the target's factory was: within the side's tree, where the side is a tree."""
    reasons: list[str] = []
    directory: str | None = None
    limits: list[LimitCount] = []


class LoadConditions(msgspec.Struct, frozen=True, kw_only=True):
    """What every load segment of a session was asked for: the same for both sides."""

    scenario: str
    executor: str
    rate_per_s: float
    users: int
    duration_s: float
    warmup_s: float


class LoadBlock(msgspec.Struct, frozen=True, kw_only=True):
    """One segment of each side, of the same plan and seed; `null` is the base once more."""

    number: int
    phase: Phase
    seed: int
    order: list[str]
    base: Segment | None = None
    candidate: Segment | None = None
    null: Segment | None = None
    trouble: str | None = None


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """An exact metric of one operation or benchmark: per request, in each repetition of the same fixed requests.

    `sites` say where it comes from, `{function: per request}`, on each side. `elsewhere` is the share of the target's
    allocations that were made outside of its calls, on threads and greenlets that work for none of them: the most of all
    repetitions, and 0 for what does not rely on allocations. `unseen` says why more may be missing. A side that could not be counted has
    an empty list and a `note`; so has one that does not have the operation, which `state` says.
    """

    benchmark: str
    metric: str
    requests: int
    base: list[float]
    candidate: list[float]
    base_sites: dict[str, float] = {}
    candidate_sites: dict[str, float] = {}
    base_elsewhere: float = 0.0
    candidate_elsewhere: float = 0.0
    unseen: str = ""
    note: str = ""
    state: State = State.BOTH


class FunctionChange(msgspec.Struct, frozen=True, kw_only=True):
    """A function in the profiles of both sides: its own weight per call, in `unit`."""

    function: str
    base: float
    candidate: float
    unit: str


class Suspects(msgspec.Struct, frozen=True, kw_only=True):
    """The functions that changed most in a regressed benchmark, the largest first. Not tested for significance."""

    benchmark: str
    metric: str
    functions: list[FunctionChange]
    note: str = ""


class SessionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How much a session measures; what it may decide on is fixed before it begins."""

    screen_blocks: int = 12
    extended_blocks: int = 24
    """All blocks of screen and extension together."""
    confirm_blocks: int = 16
    confirm_blocks_of_many: int = 20
    """When there are more than four candidates."""
    slices: int = 40
    slice_ns: int = 3_000_000
    load_blocks: int = 12


class Receipt(msgspec.Struct, kw_only=True):
    """Everything that a session recorded."""

    schema: int = SCHEMA
    command: str
    started_at: str
    seed: int
    suites: list[str]
    base: SubjectFacts
    candidate: SubjectFacts
    environment: dict[str, Any]
    policy: dict[str, Any]
    """The policy as it was read; a judge may take another."""
    policy_sha256: str
    plan: SessionPlan
    measured: list[MeasuredRoot] = []
    """What came from each side's tree; nothing for targets."""
    benchmarks: list[Benchmark] = []
    blocks: list[Block] = []
    load: LoadConditions | None = None
    load_blocks: list[LoadBlock] = []
    counts: list[Count] = []
    suspects: list[Suspects] = []
    cut: str = ""
    """Why it measured less than it needed to decide everything: its budget was used up. No fault of what it measured."""
    finished: bool = False
    interrupted: bool = False
    trouble: list[str] = []
    notes: list[str] = []
    """What must be said of the session and voids nothing: benchmarks that no side runs, and why."""
    harness_seconds: float = 0.0
    """What the session took beside its slices: starting processes, importing, warming up, writing."""
