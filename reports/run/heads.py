"""The five quality heads of the core: API response, memory use, concurrency, database, resources."""

from collections.abc import Callable, Sequence

from harness.reading.comparing import COUNT_CAUTION, Better
from harness.reading.generator import is_remote
from harness.reading.parts import service_share, target_lag_share
from harness.reading.server_use import ServerUse, server_use
from harness.units import format_bytes, format_count, format_ns, format_percent, format_rate, significant
from reports.run.comparison import (
    cache_metrics,
    call_metrics,
    errors,
    latency_metric,
    profile_number,
    service_metrics,
    throughput,
    unserved,
)
from reports.run.metrics import Metric, table
from reports.run.model import Head
from reports.run.sides import Side

Value = Callable[[Side], float | None]


def heads(sides: Sequence[Side], *, ratios: bool) -> tuple[Head, ...]:
    """Return the five heads, each with its question and its table."""
    made = (
        ("api", "API response", "How fast, and how reliably, does a caller get an answer?", _api(sides)),
        ("memory", "Memory use", "How much memory does it hold, and how much does a request churn?", _memory(sides)),
        ("concurrency", "Concurrency efficiency", "What does a call wait for, and who holds the loop?", _concurrency(sides)),
        ("database", "Database performance", "How often are the back ends asked, and what do the caches save?", _database(sides)),
        ("resources", "Resource utilisation", "What does it take from the machine?", _resources(sides)),
    )  # fmt: skip
    return tuple(
        Head(key, title, question, table(f"head-{key}", title, sides, metrics, ratios=ratios))
        for key, title, question, metrics in made
    )


def _api(sides: Sequence[Side]) -> list[Metric]:
    return [
        Metric("Throughput", throughput, format_rate, Better.HIGHER, COUNT_CAUTION),
        latency_metric("response_ns", "p50", "Response p50"),
        latency_metric("response_ns", "p99", "Response p99"),
        *service_metrics(sides),
        Metric("Errors", errors, format_percent, caution=COUNT_CAUTION),
        Metric("Not completed", unserved, format_percent, caution=COUNT_CAUTION),
    ]


def _fact(read: Callable[[Side], float | None]) -> Value:
    """Return `read` for runs whose measured process left an account, None for the others."""
    return lambda side: read(side) if side.run.facts else None


def _own(read: Callable[[Side], float | None]) -> Value:
    """Return `read` for runs whose calls worked in the measured process, None for those that only asked a server."""
    return lambda side: None if is_remote(side.run) else read(side)


def _of_server(read: Callable[[ServerUse], float | None], otherwise: Value) -> Value:
    """Return `read` of the server that the harness started, `otherwise` for runs without one."""

    def value(side: Side) -> float | None:
        use = server_use(side.run)
        return otherwise(side) if use is None else read(use)

    return value


def _memory(sides: Sequence[Side]) -> list[Metric]:
    own = "the measured process with load generator and recorder"
    return [
        Metric(
            "Peak resident memory",
            _of_server(
                lambda use: use.rss_bytes.most,
                _own(lambda side: side.run.facts.peak_rss_bytes or None if side.run.facts else None),
            ),
            format_bytes,
            caution=COUNT_CAUTION,
            hint="all processes of the server" if _all_served(sides) else own,
        ),
        Metric(
            "Peak under memray",
            lambda side: profile_number(side, "peak_bytes", per_request=False),
            format_bytes,
            caution=COUNT_CAUTION,
        ),
        Metric(
            "Allocations per request",
            lambda side: profile_number(side, "allocations", per_request=True),
            significant,
            caution=COUNT_CAUTION,
        ),
        Metric(
            "Garbage collections",
            _own(lambda side: side.run.facts.garbage_collections if side.run.facts else None),
            format_count,
            caution=COUNT_CAUTION,
        ),
        Metric(
            "Time in garbage collection", _own(_garbage_share), format_percent, hint="of the measured time"
        ),
    ]


def _garbage_share(side: Side) -> float | None:
    if side.run.facts is None or not side.run.measured_s:
        return None
    return side.run.facts.garbage_ns / 1e9 / side.run.measured_s


def _concurrency(sides: Sequence[Side]) -> list[Metric]:
    waits = sorted({name for side in sides for name in side.counter_names if name.endswith("_waits")})
    return [
        Metric(
            "Executing, of service",
            lambda side: service_share(side.run, "run_ns"),
            format_percent,
            Better.HIGHER,
            latency=True,
        ),
        Metric(
            "Waiting for the loop, of service",
            lambda side: service_share(side.run, "wait_busy_ns"),
            format_percent,
            latency=True,
        ),
        Metric(
            "Waiting for a back end, of service",
            lambda side: service_share(side.run, "wait_idle_ns"),
            format_percent,
            Better.NEITHER,
            latency=True,
        ),
        latency_metric("queue_ns", "p99", "Queue p99"),
        latency_metric("lag_ns", "p99", "Lag p99"),
        Metric(
            "Start delay caused by the target",
            lambda side: target_lag_share(side.run),
            format_percent,
            Better.NEITHER,
            latency=True,
        ),
        Metric(
            "Most calls in flight",
            _fact(lambda side: side.run.facts.in_flight_peak if side.run.facts else None),
            format_count,
        ),
        *(_counted(name, f"{_backend_words(name)} per request") for name in waits),
        _counted("cache.flight.joined", "Misses that joined another's fetch, per request", Better.NEITHER),
    ]


def _backend_words(name: str) -> str:
    backend, _, what = name.rpartition(".")
    return f"{backend} {what.replace('_', ' ')}"


def _counted(counter: str, label: str, better: Better = Better.LOWER) -> Metric:
    def value(side: Side) -> float | None:
        return side.per_request(counter) if counter in side.counter_names else None

    return Metric(label, value, significant, better, COUNT_CAUTION)


def _database(sides: Sequence[Side]) -> list[Metric]:
    results = sorted(
        {name for side in sides for name in side.counter_names if name.endswith((".items", ".rows"))}
    )
    return [
        *call_metrics(sides),
        *(_counted(name, f"{_backend_words(name)} per request", Better.NEITHER) for name in results),
        *cache_metrics(sides),
        _counted("cache.l3.fetch", "Fetches from the databases per request"),
    ]


def _all_served(sides: Sequence[Side]) -> bool:
    return all(side.run.document.served for side in sides)


def _resources(sides: Sequence[Side]) -> list[Metric]:
    asks = all(is_remote(side.run) for side in sides)
    return [
        Metric(
            "CPU of the harness's own client" if asks else "CPU of the measured process",
            lambda side: side.run.document.host.cpu_share,
            format_percent,
            hint="of one core, over the measured time",
        ),
        Metric(
            "CPU time per request",
            _of_server(lambda use: use.cpu_ns_per_call, _own(_cpu_ns_per_request)),
            format_ns,
            hint="of the server" if _all_served(sides) else "",
        ),
        Metric(
            "CPU contention (runnable, not running)",
            lambda side: side.run.document.host.descheduled_share,
            format_percent,
            Better.NEITHER,
            hint="other processes delayed the measured one",
        ),
        Metric(
            "Stolen by the host",
            lambda side: side.run.document.host.steal_share,
            format_percent,
            Better.NEITHER,
        ),
        Metric("Load average", lambda side: side.run.document.host.load_average, significant, Better.NEITHER),
    ]


def _cpu_ns_per_request(side: Side) -> float | None:
    share = side.run.document.host.cpu_share
    return share * side.run.measured_s * 1e9 / side.returned if share is not None and side.returned else None
