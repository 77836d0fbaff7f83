"""The documents of load runs, micro-benchmarks and imported results, and of the reports of stored ones."""

from typing import Any, NotRequired, TypedDict

from harness.commands.documents.parts import (
    Document,
    Facts,
    Intervals,
    LimitFinding,
    Outcomes,
    Percentiles,
    extended,
)
from harness.imported.document import ImportedRow
from harness.profiles.facts import CpuFacts, MemoryFacts, WaitFacts
from harness.reading.server_use import ServerUse
from harness.run.client_facts import ClientFacts
from harness.run.documents import BackendFacts, LocustFacts, ServedFacts
from harness.run.facts import Blocked, InThreads, ThreadCpu
from harness.target.failures import Failure
from harness.target.journey_ends import JourneyFacts

_FILE = {"file": str | None, "reason": str | None}
CpuOfRun: Any = extended("CpuOfRun", CpuFacts, _FILE)
WaitOfRun: Any = extended("WaitOfRun", WaitFacts, _FILE)
MemoryOfRun: Any = extended("MemoryOfRun", MemoryFacts, _FILE)


Served: Any = extended("Served", ServedFacts, {"use": ServerUse | None})


class ProfilesOfRun(TypedDict):
    """The profiles of a load run."""

    cpu: NotRequired[CpuOfRun]
    wait: NotRequired[WaitOfRun]
    memory: NotRequired[MemoryOfRun]


class Times(TypedDict):
    """The times of a call: response = lag + queue + service, and service = run + wait_busy + wait_idle."""

    response_ns: Percentiles
    service_ns: Percentiles
    lag_ns: Percentiles
    queue_ns: Percentiles
    run_ns: Percentiles
    wait_busy_ns: Percentiles
    wait_idle_ns: Percentiles
    first_byte_ns: Percentiles
    intervals: dict[str, Intervals]
    """By time: the 95 % interval of each percentile that is null, where the calls bound it."""


class Operation(Times):
    """The calls of one operation. `count` returned in the measured time; `requests` are all calls of the run."""

    requests: int
    count: int
    failed: int


class SlowCall(TypedDict):
    """One of the slowest calls; `trace_id` is null without `--traceparent`."""

    operation: str
    outcome: str
    intended_ns: int
    response_ns: int
    lag_ns: int
    queue_ns: int
    service_ns: NotRequired[int]
    run_ns: NotRequired[int]
    wait_busy_ns: NotRequired[int]
    wait_idle_ns: NotRequired[int]
    trace_id: str | None


class Stage(TypedDict):
    """A stage; those of warm-up have no results."""

    label: str
    warmup: bool
    start_s: NotRequired[float]
    end_s: NotRequired[float]
    start_rate_per_s: NotRequired[float]
    end_rate_per_s: NotRequired[float]
    validity: NotRequired[str]
    reasons: NotRequired[list[str]]
    planned: NotRequired[int]
    outcomes: NotRequired[Outcomes]
    throughput_per_s: NotRequired[float | None]
    response_ns: NotRequired[Percentiles]
    service_ns: NotRequired[Percentiles]
    lag_ns: NotRequired[Percentiles]
    queue_ns: NotRequired[Percentiles]
    run_ns: NotRequired[Percentiles]
    wait_busy_ns: NotRequired[Percentiles]
    wait_idle_ns: NotRequired[Percentiles]
    first_byte_ns: NotRequired[Percentiles]
    intervals: NotRequired[dict[str, Intervals]]
    slo: NotRequired[list[LimitFinding]]


class Stated(TypedDict):
    """Facts that are shown and not judged."""

    cpu_share: float | None
    descheduled_share: float | None
    steal_share: float | None
    load_average: float | None
    in_flight_limit: int
    replaced_time_s: float | None
    halted_ns: int | None
    in_flight_peak: int | None
    garbage_collections: int | None
    garbage_ns: int | None
    peak_rss_bytes: int | None


class Children(TypedDict):
    """Child processes of the target."""

    cpu_s: float
    most_rss_bytes: int
    running: int
    waited_share: float
    sentence: str | None


class Warmup(TypedDict):
    """The end of warm-up according to the data."""

    state: str
    planned_s: float
    steady_after_s: float | None
    sentence: str


class Grown(TypedDict):
    """The growth of one quantity, per hour and per call, with its interval."""

    verdict: str
    per_hour: float | None
    low: float | None
    high: float | None
    per_call: float | None
    per_call_low: float | None
    per_call_high: float | None
    more_s: float | None
    sentence: str


class Growth(TypedDict):
    """The growth during the run, of the measured process or of the server; `why_not` says why it cannot be told."""

    of: str
    sample_ns: float | None
    why_not: str
    quantities: dict[str, Grown]


class Run(TypedDict):
    """One load run. `planned` is the sum of `outcomes`; `validity` is valid, degraded or invalid, with its `reasons`."""

    dir: str
    scenario: str
    target: str
    variant: str
    engine: str
    seed: int
    validity: str
    reasons: list[str]
    remarks: list[str]
    interrupted: bool
    planned: int
    outcomes: Outcomes
    locust: LocustFacts | None
    client: ClientFacts | None
    throughput_per_s: float
    recorder_ns_per_call: float | None
    split_ns_per_switch: float | None
    stated: Stated
    children: Children | None
    backends: dict[str, BackendFacts]
    served: Served | None
    operations: dict[str, Operation]
    slowest: list[SlowCall]
    blocked: dict[str, Blocked] | None
    failures: list[Failure] | None
    journeys: JourneyFacts | None
    judged_by: str | None
    events_changed: int | None
    in_threads: dict[str, InThreads] | None
    left_tasks: dict[str, int] | None
    left_running: int | None
    thread_cpu: dict[str, ThreadCpu] | None
    held_by: dict[str, dict[str, Any]] | None
    warmup: Warmup
    stages: list[Stage]
    slo: list[LimitFinding]
    growth: Growth | None
    profiles: ProfilesOfRun


class Runs(Document):
    """Load runs: `harness run`, and `harness report` of them."""

    report: str | None
    runs: list[Run]


class Benchmark(TypedDict):
    """One micro-benchmark over its rounds."""

    median_ns: float
    iqr_ns: float
    min_ns: float
    q1_ns: float
    q3_ns: float
    max_ns: float
    mean_ns: float
    rounds: int
    iterations: int
    ops_per_s: float
    per_call: int


class MicroRun(TypedDict):
    """One run of a suite; `missing` has the reason for each benchmark without a result."""

    dir: str
    suite: str
    variant: str
    validity: str
    reasons: list[str]
    interrupted: bool
    planned: int
    benchmarks: dict[str, Benchmark]
    missing: dict[str, str]


class MicroRuns(Document):
    """Runs of micro-benchmarks: `harness bench`, and `harness report` of them."""

    report: str | None
    runs: list[MicroRun]


class Listed(Document):
    """The answer of `--dry-run`: `aside` has the reason for each file or benchmark left out, `seconds` the least and the most."""

    benchmarks: list[str]
    aside: dict[str, str]
    notes: list[str]
    seconds: tuple[float, float]


class ImportedRun(TypedDict):
    """Results of another tool; they are never judged."""

    dir: str
    schema: int
    status: str
    kind: str
    tool: str
    source: str
    source_sha256: str
    started_at: str
    command: str
    rows: list[ImportedRow]
    facts: Facts
    notes: list[str]


class Imported(Document):
    """Results of other tools: `harness import`, and `harness report` of them."""

    report: str | None
    runs: list[ImportedRun]
