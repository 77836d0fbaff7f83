"""The load scenarios: data only. They import neither Locust nor a target."""

from harness.model import Arrivals, Executor, Scenario, Stage

# Share of the maximum rate: batches and writes keep the servers busy, often on the same processors.
_BUSY_SERVERS_SHARE = 0.25
# Reads of single assets miss the caches half the time at first, and a quarter of the time after some 400 calls.
_CACHES_FILL_S = 10.0

_GENERAL = (
    Scenario("steady", "one constant rate"),
    Scenario("ramp", "from nothing to the full rate, linearly", stages=(Stage("ramp", 1.0, 0.0, 1.0),)),
    Scenario(
        "spike",
        "a quiet start, five times the rate for a while, and the recovery",
        stages=(Stage("before", 0.4), Stage("spike", 0.2, 5.0, 5.0), Stage("after", 0.4)),
    ),
    Scenario(
        "steps",
        "a quarter, half, three quarters and all of the rate: where does it begin to bend?",
        stages=tuple(Stage(f"{share:.0%}", 1.0, share, share) for share in (0.25, 0.5, 0.75, 1.0)),
        duration_s=20.0,
    ),
    Scenario(
        "soak",
        "one constant rate for an hour, its quarters apart: does anything creep, and does the process grow?",
        stages=tuple(Stage(f"quarter {number}", 1.0) for number in (1, 2, 3, 4)),
        rate_per_s=50.0,
        duration_s=3600.0,
        warmup_s=10.0,
    ),
    Scenario(
        "replay",
        "a recorded trace, named with --replay",
        stages=(Stage("replay", 1.0),),
        arrivals=Arrivals.REPLAY,
    ),
    Scenario("closed", "users who call again as soon as they have an answer", executor=Executor.CLOSED),
    Scenario(
        "max-throughput",
        "as many calls as it can answer: users are doubled until no more are answered, then held",
        executor=Executor.CLOSED,
        find_users=True,
    ),
)

_ASSET_CORE = (
    Scenario(
        "asset-read",
        "Zipf-distributed reads of single assets, with health checks",
        operations={"GET /assets/{id}": 0.95, "GET /health": 0.05},
        rate_per_s=None,
        duration_s=15.0,
        warmup_s=_CACHES_FILL_S,
        target="asset-core",
    ),
    Scenario(
        "asset-mixed",
        "mostly reads of single assets and of batches, some writes and some background work",
        operations={
            "GET /assets/{id}": 0.80,
            "POST /assets/batch-get": 0.08,
            "POST /assets": 0.05,
            "POST /jobs": 0.03,
            "GET /jobs/{id}": 0.02,
            "GET /health": 0.02,
        },
        rate_per_s=None,
        probe_share=_BUSY_SERVERS_SHARE,
        duration_s=15.0,
        warmup_s=_CACHES_FILL_S,
        target="asset-core",
    ),
    Scenario(
        "ingest",
        "batches of ten assets written again, with reads that find their caches emptied",
        operations={"POST /assets": 0.70, "GET /assets/{id}": 0.30},
        rate_per_s=None,
        probe_share=_BUSY_SERVERS_SHARE,
        duration_s=15.0,
        warmup_s=5.0,
        target="asset-core",
    ),
    Scenario(
        "jobs",
        "scans, correlations and discoveries that are waited for, and questions after their results",
        operations={"POST /jobs": 0.60, "GET /jobs/{id}": 0.40},
        rate_per_s=None,
        probe_share=_BUSY_SERVERS_SHARE,
        duration_s=15.0,
        warmup_s=5.0,
        target="asset-core",
    ),
)

_HARD_TIMES = (
    Scenario(
        "cold-start",
        "fresh interpreters and fresh cores, by phase, then twice as many at once: what a first caller waits for",
        operations={
            "interpreter": 0.2,
            "interpreter, imports": 0.2,
            "initialise": 0.3,
            "initialise, first request": 0.3,
        },
        stages=(Stage("one by one", 0.5), Stage("scaling out", 0.5, 2.0, 2.0)),
        arrivals=Arrivals.UNIFORM,
        # An interpreter with the client libraries takes most of a second of a core: a higher rate would measure the queue.
        rate_per_s=1.0,
        duration_s=40.0,
        warmup_s=3.0,
        target="asset-core?work=cold-start&profile=lambda",
    ),
    Scenario(
        "cache-stampede",
        "20 callers at once for an asset that has just left the caches, while others read: what single flight is for",
        operations={"herd of 20: GET /assets/{id}": 0.1, "GET /assets/{id}": 0.9},
        stages=(
            Stage("some herds", 0.3, 0.5, 0.5),
            Stage("many herds", 0.4, 1.2, 1.2),
            Stage("after", 0.3, 0.5, 0.5),
        ),
        rate_per_s=None,
        duration_s=15.0,
        warmup_s=_CACHES_FILL_S,
        target="asset-core?work=cache-stampede",
    ),
    Scenario(
        "tenant-skew",
        "one tenant sends most of the load: what all the others feel of it",
        operations={
            "noisy tenant: GET /assets/{id}": 0.60,
            "noisy tenant: POST /assets/batch-get": 0.20,
            "noisy tenant: POST /assets": 0.05,
            "quiet tenants: GET /assets/{id}": 0.13,
            "quiet tenants: POST /assets/batch-get": 0.02,
        },
        stages=(Stage("before", 0.3, 0.4, 0.4), Stage("rush", 0.4, 1.4, 1.4), Stage("after", 0.3, 0.4, 0.4)),
        rate_per_s=None,
        duration_s=15.0,
        warmup_s=_CACHES_FILL_S,
        target="asset-core?work=tenant-skew",
    ),
)

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for scenario in (*_GENERAL, *_ASSET_CORE, *_HARD_TIMES)
}
