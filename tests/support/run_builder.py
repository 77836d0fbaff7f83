"""Makes run directories with real files and seeded numbers, for tests of what reads them."""

import dataclasses
from pathlib import Path

import msgspec
import numpy as np

from harness.model import Outcome
from harness.plans.span import Span
from harness.run.directory import RunDirectory
from harness.run.documents import (
    BackendFacts,
    HostFacts,
    PlanFacts,
    Profiles,
    RunDocument,
    ServedFacts,
    ServerUsage,
)
from harness.run.facts import LoadFacts
from harness.table import calls
from harness.table.heldby import DRIVER, SPECIAL
from harness.table.latency import returned

NS_PER_S = 1_000_000_000


@dataclasses.dataclass
class Spec:
    """What the run should look like."""

    variant: str = "baseline"
    scenario: str = "asset-read"
    target: str = "asset-core"
    seed: int = 7
    rate_per_s: float = 200.0
    duration_s: float = 10.0
    warmup_s: float = 1.0
    service_ms: float = 2.0
    sigma: float = 0.4
    operations: dict = dataclasses.field(
        default_factory=lambda: {"GET /assets/{id}": 0.8, "POST /assets": 0.15, "GET /health": 0.05}
    )
    stages: tuple = (("steady", 1.0, 1.0, 1.0),)
    split: bool = True
    outcome: Outcome = Outcome.COMPLETED
    fail_share: float = 0.0
    timeout_share: float = 0.0
    dropped_share: float = 0.0
    never_share: float = 0.0
    harness_lag_ms: float = 0.01
    executor: str = "open"
    interrupted: bool = False
    ended_s: float | None = None
    facts: bool = True
    counters: bool = True
    requests_per_call: int = 1
    calls_per_request: float = 2.0
    l1_hits: float = 0.5
    backends: dict = dataclasses.field(default_factory=dict)
    environment: dict = dataclasses.field(
        default_factory=lambda: {
            "machine": {"cpu": "Example CPU", "cores": 2, "kernel": "6.1"},
            "python": "3.11.2",
            "packages": {"boto3": "1.40.0", "locust": "2.40.0"},
            "commit": "0123abc",
        }
    )
    command: str = "harness run asset-read"
    descheduled_share: float = 0.005
    profiles: dict = dataclasses.field(default_factory=dict)
    served: ServedFacts | None = None
    folded: dict = dataclasses.field(default_factory=dict)


def spans_of(spec):
    spans, start = [], 0.0
    total = sum(share for _, share, _, _ in spec.stages)
    for label, share, first, last in spec.stages:
        end = start + spec.duration_s * share / total
        spans.append(Span(label, start, end, first * spec.rate_per_s, last * spec.rate_per_s))
        start = end
    if spec.warmup_s:
        spans.insert(0, Span("warm-up", -spec.warmup_s, 0.0, spec.rate_per_s, spec.rate_per_s, warmup=True))
    return tuple(spans)


def table_of(spec, spans):
    """Return the rows of the plan with seeded numbers in them."""
    rng = np.random.default_rng(spec.seed)
    parts = []
    for span in sorted(spans, key=lambda span: not span.warmup):
        count = round(span.area)
        place = (np.arange(count) + 0.5) / max(count, 1)
        first, last = span.start_rate_per_s, span.end_rate_per_s
        root = np.sqrt(first**2 + place * (last**2 - first**2))
        where = place * (first + last) / np.where(first + root > 0, first + root, 1)
        parts.append((span.start_s + where * (span.end_s - span.start_s)) * NS_PER_S)
    intended = np.concatenate(parts).astype(np.int64)
    count = len(intended)
    table = np.zeros(count, calls.DTYPE)
    weights = np.array(list(spec.operations.values()))
    table["operation"] = rng.choice(len(weights), size=count, p=weights / weights.sum())
    factor = np.array([1.0, 3.0, 0.2] + [1.0] * len(weights))[table["operation"]]
    service = (rng.lognormal(np.log(spec.service_ms * 1e6), spec.sigma, count) * factor).astype(np.int64)
    lag = rng.exponential(spec.harness_lag_ms * 1e6, count).astype(np.int64)
    queue = rng.exponential(20_000, count).astype(np.int64)
    target_lag = np.where(rng.random(count) < 0.05, service // 3, 0)
    table["intended_ns"] = intended
    table["dispatched_ns"] = intended + lag + target_lag
    table["entered_ns"] = table["dispatched_ns"] + queue
    table["completed_ns"] = table["entered_ns"] + service
    table["lag_target_ns"] = target_lag
    table["run_ns"] = (service * 0.4).astype(np.int64) if spec.split else -1
    table["wait_busy_ns"] = (service * 0.25).astype(np.int64) if spec.split else -1
    table["outcome"] = spec.outcome
    draw = rng.random(count)
    edge = 0.0
    for outcome, share in (
        (Outcome.FAILED, spec.fail_share),
        (Outcome.TIMED_OUT, spec.timeout_share),
        (Outcome.DROPPED, spec.dropped_share),
        (Outcome.NEVER_STARTED, spec.never_share),
    ):
        table["outcome"][(draw >= edge) & (draw < edge + share)] = outcome
        edge += share
    for column in ("dispatched_ns", "entered_ns", "completed_ns"):
        table[column][table["outcome"] == Outcome.NEVER_STARTED] = 0
    for column in ("entered_ns", "completed_ns"):
        table[column][table["outcome"] == Outcome.DROPPED] = 0
    return table


def counters_of(spec, table):
    counters = {}
    measured = table[table["intended_ns"] >= 0]
    for index, name in enumerate(spec.operations):
        count = int((measured["operation"] == index).sum())
        hits = int(count * spec.l1_hits)
        misses = count - hits
        counters[name] = {
            "requests": count * spec.requests_per_call,
            "dynamodb.calls": int(count * spec.calls_per_request),
            "dynamodb.items": int(count * spec.calls_per_request) * 3,
            "neo4j.calls": int(count * spec.calls_per_request),
            "neo4j.rows": int(count * spec.calls_per_request) * 2,
            "redis.calls": count,
            "cache.l1.hit": hits,
            "cache.l1.miss": misses,
            "cache.l2.hit": misses // 2,
            "cache.l2.miss": misses - misses // 2,
            "cache.l3.fetch": misses - misses // 2,
            "neo4j.pool_waits": count // 50,
        }
    return counters


def held_by_of(spec, table):
    """Return who held the loop: half of all waiting each for the first operation and the driver."""
    rows = returned(table[table["intended_ns"] >= 0])
    cells = np.zeros((len(spec.operations), len(spec.operations) + SPECIAL), np.int64)
    for operation in range(len(spec.operations)):
        waited_ns = int(rows["wait_busy_ns"][rows["operation"] == operation].sum())
        cells[operation, 0] = waited_ns // 2
        cells[operation, DRIVER] = waited_ns - waited_ns // 2
    return cells


def make_run(parent: Path, **changes) -> Path:
    """Write a run directory under `parent` and return its path."""
    spec = Spec(**changes)
    spans = spans_of(spec)
    table = table_of(spec, spans)
    directory = RunDirectory.create(parent, "run", "".join(c for c in spec.variant if c.isalnum()))
    calls.write_table(directory.calls_path, table)
    if spec.split:
        np.save(directory.held_by_path, held_by_of(spec, table))
    if spec.facts:
        directory.write_facts(
            LoadFacts(
                origin_ns=10**12,
                origin_unix_s=1_760_000_000.0,
                ended_ns=round((spec.duration_s if spec.ended_s is None else spec.ended_s) * NS_PER_S),
                recorder_ns_per_call=420.0,
                split=spec.split,
                split_ns_per_switch=900.0,
                garbage_collections=12,
                garbage_ns=34_000_000,
                in_flight_peak=9,
                peak_rss_bytes=120 * 2**20,
                counters=counters_of(spec, table) if spec.counters else {},
            )
        )
    directory.write(
        RunDocument(
            status="ended",
            scenario=spec.scenario,
            target=spec.target,
            variant=spec.variant,
            seed=spec.seed,
            started_at="2026-01-02T03:04:05+00:00",
            command=spec.command,
            interrupted=spec.interrupted,
            plan=PlanFacts(
                executor=spec.executor,
                arrivals="uniform",
                rate_per_s=spec.rate_per_s,
                users=8,
                think_time_s=0.0,
                duration_s=spec.duration_s,
                warmup_s=spec.warmup_s,
                in_flight_limit=2000,
                drain_s=5.0,
                spans=spans,
                operations=spec.operations,
            ),
            environment=spec.environment,
            host=HostFacts(
                descheduled_share=spec.descheduled_share,
                cpu_share=0.41,
                steal_share=0.001,
                load_average=0.9,
            ),
            backends={name: BackendFacts(**facts) for name, facts in spec.backends.items()},
            profiles=msgspec.convert(spec.profiles, Profiles),
            served=spec.served,
        )
    )
    for name, text in spec.folded.items():
        path = directory.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory.path


def served(rss, cpu_per_s=0.5, at_s=None, warmup=(-1.0, -0.5)):
    """Return the facts of a server with these sizes of memory in the measured time, every 0.25 s, and others in warm-up."""
    at_s = [*warmup, *(at_s or [0.25 * (place + 1) for place in range(len(rss))])]
    ones = [1] * len(at_s)
    return ServedFacts(
        name="shop", command="serve {port}", port=1, start_s=0.5,
        usage=ServerUsage(
            at_s=at_s, cpu_s=[(time_s + 1) * cpu_per_s for time_s in at_s], rss_bytes=[1, 1, *rss],
            descriptors=[7] * len(at_s), threads=ones, processes=ones,
        ),
    )  # fmt: skip
