"""The receipt: the raw record of a session, sufficient to reach every verdict again.

Times are nanoseconds, counts are per request. A receipt is written whole after every block, so that the measured
blocks survive any end of the session.

Schema history: 1, the first; 2, blocks until the evidence decides, process CPU, first calls, the slots' idle CPU.
"""

import enum
from typing import Any

import msgspec

from harness.policy.slo import LimitCount

SCHEMA = 2

NULL_CONTROL = "control:null"
"""Name of the benchmark that measures the base against itself, from two folders; `Benchmark.of` names its source."""


class Side(enum.StrEnum):
    """One of the two sides of a comparison."""

    BASE = "base"
    CANDIDATE = "candidate"

    @property
    def other(self) -> "Side":
        """The opposite side."""
        return Side.CANDIDATE if self is Side.BASE else Side.BASE


class Phase(enum.StrEnum):
    """The purpose of a block. Blocks of `confirm` are fresh data: they test the candidates of the screen."""

    SCREEN = "screen"
    CONFIRM = "confirm"


class Rule(enum.StrEnum):
    """The rule by which a session ends, and by which its blocks are judged."""

    SEQUENTIAL = "sequential"
    """Blocks until an e-process decides; it stays valid at every number of blocks."""
    FIXED = "fixed"
    """A number of blocks that is fixed beforehand, judged by the signed-rank test."""


class Concurrency(enum.StrEnum):
    """The work of a benchmark beside its calling thread. Its slots are then not pinned, and run one at a time."""

    NONE = "none"
    THREADS = "threads"
    CHILDREN = "children"


class State(enum.StrEnum):
    """The sides that can run a benchmark."""

    BOTH = "both"
    NEW = "new"
    """Only the candidate runs it: it came with the change, or fails on the base."""
    REMOVED = "removed"
    """Only the base has it."""
    BROKEN = "broken"
    """The base runs it and the candidate fails."""
    SKIPPED = "skipped"
    """The policy of the session skips it: it was not run."""


class SubjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one side: its spec as typed, its full revision with `+changes` if the tree differed, its label."""

    spec: str
    label: str
    revision: str | None = None
    environment_lock: str | None = None
    """Digest of the lock file, where the side has its own environment."""
    code_sha256: str | None = None
    """Digest of the measured files, and of the candidate's suite; None for targets."""


class MeasuredRoot(msgspec.Struct, frozen=True, kw_only=True):
    """A measured package or module: its import name, and its path in the tree of each side that has it.

    `base_compiled` and `candidate_compiled` are its compiled modules and libraries, by import name.
    """

    name: str
    base: str | None = None
    candidate: str | None = None
    base_compiled: list[str] = []
    candidate_compiled: list[str] = []


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark of the session. `calls` is the number of calls in one slice, the same for both sides."""

    name: str
    state: State = State.BOTH
    calls: int = 1
    base_ns: float | None = None
    """Approximate time of one call, in ns, when the session was planned."""
    candidate_ns: float | None = None
    note: str = ""
    of: str | None = None
    pairs: int = 40
    """Number of pairs of slices in a block; fewer where one call is long."""
    warm_calls: int = 0
    """Number of warm-up calls in each slot, the same on both sides."""
    most_calls: int = 0
    """Number of timed calls that it allows in one process (`benchmark.pedantic` with one round); 0 for any number."""
    concurrency: Concurrency = Concurrency.NONE
    """The work of either side beside its calling thread, as discovery found it."""


class Slices(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark in one block: equally many slices of each side, in pairs.

    `first[i]` is 0 if the base's slice of pair i ran before the candidate's, 1 if after it. `base_cpu_ns` and
    `candidate_cpu_ns` are CPU time of the measuring thread over the same slices; `base_other_cpu_ns` and
    `candidate_other_cpu_ns` that of all other threads and of child processes (empty unless the benchmark is planned with
    `concurrency`).
    """

    base_ns: list[int]
    candidate_ns: list[int]
    first: list[int]
    base_cpu_ns: list[int] = []
    candidate_cpu_ns: list[int] = []
    base_other_cpu_ns: list[int] = []
    candidate_other_cpu_ns: list[int] = []


class FirstCall(msgspec.Struct, frozen=True, kw_only=True):
    """The first call of a benchmark in a slot, before any warm-up: wall time, and CPU time of all threads, in ns."""

    wall_ns: int
    cpu_ns: int


class Sentinel(msgspec.Struct, frozen=True, kw_only=True):
    """The same fixed loop, timed in every slot of the block between the benchmarks; one list for each slot."""

    base_ns: list[int]
    candidate_ns: list[int]
    null_ns: list[int] = []


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of slots, and its measurements of each benchmark. `spawned` is the order of their starts.

    `import_ns` is the time of each side to import the benchmarks, `import_cpu_ns` its CPU time. A block with
    `trouble` measured nothing usable and gives the reason; it is kept and is no evidence. `failed` maps the benchmarks that could not be measured in
    this block to their reasons. `order` is the order of the benchmarks. All slots are pinned to `cpu`, except during
    benchmarks with `concurrency`, which may use all CPUs of the session.
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
    import_cpu_ns: dict[str, int] = {}
    first_calls: dict[str, dict[str, FirstCall]] = {}
    """First calls by benchmark and side; of the null control, the candidate's is that of the base's second slot."""
    calls: dict[str, int] = {}
    """Number of calls that each slot made of a benchmark, warm-up included."""
    idle_cpu: dict[str, float] = {}
    """CPU time of each side's process and children while nobody calls it, as a share of a core; empty unless a benchmark
    of the block is planned with `concurrency`."""
    beside: dict[str, Concurrency] = {}
    """Benchmarks that worked beside their calling thread in this block, on any side: threads or children used more than
    2 % of the calls' wall time, and more than 0.2 ms."""
    started_unix_s: float = 0.0
    seconds: float = 0.0
    trouble: str | None = None
    failed: dict[str, str] = {}
    crowded: dict[str, str] = {}
    """Benchmarks with `concurrency` that were not measured, with the reason: other processes took the CPUs that their
    threads and children need."""
    order: list[str] = []
    hash_seed: int = 0
    padding_bytes: int = 0
    fixed_layout: bool = False
    """True if both sides had the same memory layout. Where the kernel forbids that, blocks scatter more."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One load run of one side: `{operation: {metric: value}}`, with `all` as the operation of the whole.

    Metrics: throughput_per_s, p50_ns, p95_ns, p99_ns (of the response time, missing where too few calls returned),
    error_share (planned calls that did not complete), and of `all` cold_start_ns (importing, making and opening the
    target). `counts` are the planned calls by operation.
    """

    values: dict[str, dict[str, float]]
    counts: dict[str, int]
    validity: str
    file: str = ""
    """File of the target's factory: within the side's tree, where the side is a tree."""
    reasons: list[str] = []
    directory: str | None = None
    limits: list[LimitCount] = []


class LoadConditions(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of every load segment of a session: the same for both sides."""

    scenario: str
    executor: str
    rate_per_s: float
    users: int
    duration_s: float
    warmup_s: float


class LoadBlock(msgspec.Struct, frozen=True, kw_only=True):
    """One segment of each side, with the same plan and seed; `null` is the base once more."""

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

    `sites` map its sources on each side, `{function: per request}`. `elsewhere` is the share of the target's
    allocations outside of its calls, on threads and greenlets that belong to none of them: the maximum over all
    repetitions, and 0 for metrics without allocations. `unseen` gives the reason if more may be missing. A side that
    could not be counted has an empty list and a `note`; so has one without the operation, as `state` tells.
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
    """A function in the profiles of both sides: its self cost per call, in `unit`."""

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
    """The amount of measurement of a session; the rules for changing it are fixed before it begins.

    Under the sequential rule the screen has `least_blocks` before the first decision and `screen_blocks` at most, and
    confirmation `confirm_blocks` at most. Under the fixed rule both numbers are exact.
    """

    rule: Rule = Rule.SEQUENTIAL
    least_blocks: int = 8
    screen_blocks: int = 24
    confirm_blocks: int = 24
    slices: int = 40
    slice_ns: int = 3_000_000
    load_blocks: int = 12
    """Number of load blocks of the screen; the rule of the load suite is always the fixed one."""
    load_confirm_blocks: int = 16

    @property
    def blocks_before_deciding(self) -> int:
        """Number of blocks of the screen before the first decision: under the fixed rule all of them."""
        if self.rule is Rule.FIXED:
            return self.screen_blocks
        return min(self.least_blocks, self.screen_blocks)


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """The share of one of `count` sessions that divide a suite. `number` counts from 1; `names` are the whole suite's."""

    number: int
    count: int
    names: list[str] = []

    @property
    def label(self) -> str:
        """Displayed name."""
        return f"shard {self.number}/{self.count}"


class Receipt(msgspec.Struct, kw_only=True):
    """The complete record of a session."""

    schema: int = SCHEMA
    command: str
    started_at: str
    seed: int
    suites: list[str]
    select: list[str] = []
    """Words that chose the benchmarks; without any, the whole suite was measured."""
    base: SubjectFacts
    candidate: SubjectFacts
    environment: dict[str, Any]
    policy: dict[str, Any]
    """Policy of the session as it was read; a judge may apply another."""
    policy_sha256: str
    plan: SessionPlan
    measured: list[MeasuredRoot] = []
    """Roots measured from each side's tree; empty for targets."""
    shard: Shard | None = None
    """The share of the suite that the session measured; None for all of it."""
    benchmarks: list[Benchmark] = []
    blocks: list[Block] = []
    load: LoadConditions | None = None
    load_blocks: list[LoadBlock] = []
    counts: list[Count] = []
    suspects: list[Suspects] = []
    cut: str = ""
    """Reason why a used-up budget left something undecided; the measured blocks stay valid."""
    finished: bool = False
    interrupted: bool = False
    trouble: list[str] = []
    notes: list[str] = []
    """Notes on the session that invalidate nothing: benchmarks that no side runs, with the reason."""
    harness_seconds: float = 0.0
    """Time of the session outside of its slices: starting processes, importing, warming up, writing."""
