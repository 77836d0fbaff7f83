import json
import threading

import pytest

from targets.asset_core.container import Container
from targets.asset_core.counting import Tally
from targets.asset_core.errors import DeadlineError, NotReadyError, StoreError
from targets.asset_core.executor import InTurn
from targets.asset_core.health import HealthChecker
from targets.asset_core.metering import Meter
from targets.asset_core.plan import Plan
from targets.asset_core.profiles import LAMBDA
from targets.asset_core.scope import Scope
from targets.asset_core.settings import TokenSettings
from targets.asset_core.stores.memory import MemoryCache, MemoryGraph, World
from targets.asset_core.switches import OPTIMISED, parse_switches


@pytest.fixture
def scope():
    """A scope without a limit: the clocks here are turned by hand."""
    return Scope(float("inf"), Tally())


@pytest.fixture
def broken(monkeypatch):
    """A switch: while it is on, the named store does not answer pings."""
    failing = set()
    original = World.__call__

    def opening(world, profile, *, pooling):
        stores = original(world, profile, pooling=pooling)
        for name, store in (("dynamodb", stores.assets), ("neo4j", stores.graph), ("redis", stores.cache)):
            store.ping = pinging(name, store.ping)
        return stores

    def pinging(name, ping):
        def checked(scope):
            if name in failing:
                raise StoreError("secret address refused", where=name)
            ping(scope)

        return checked

    monkeypatch.setattr(World, "__call__", opening)
    return failing


def test_everything_is_made_once_whoever_comes_first(host):
    hosted = host(opens=False, latency_s=0.01)
    threads = [threading.Thread(target=hosted.get, args=("/assets/x",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hosted.opened) == 1
    assert set(hosted.core.phases_ns()) == {"keys", "clients", "assembly", "connect"}


def test_without_warm_init_everything_is_made_for_each_request(host):
    hosted = host(switches=parse_switches("optimised", "warm_init:off"))
    for _ in range(3):
        assert hosted.get("/assets/domain:shared.example")["statusCode"] == 200
    assert len(hosted.opened) == 3
    assert hosted.counted()["cache.l2.hit"] == 2


def test_a_failure_is_remembered_reported_by_every_request_and_tried_again_after_the_back_off(
    host, broken, clock
):
    broken.add("neo4j")
    hosted = host(opens=False, clocks=clock.clocks)
    with pytest.raises(NotReadyError, match="neo4j"):
        hosted.core.open()
    for path in ("/assets/x", "/health"):
        response = hosted.get(path)
        assert response["statusCode"] == 503
        assert "secret" not in response["body"]
    assert len(hosted.opened) == 1
    broken.clear()
    assert hosted.get("/health")["statusCode"] == 503
    clock.advance(1.0)
    assert hosted.get("/health")["statusCode"] == 200
    assert len(hosted.opened) == 2


def test_the_back_off_doubles_up_to_its_limit(host, broken, clock):
    broken.add("dynamodb")
    hosted = host(opens=False, clocks=clock.clocks)
    waits, tried_at_s = [], clock.now_s
    hosted.get("/health")
    for _ in range(400):
        before = len(hosted.opened)
        clock.advance(0.5)
        hosted.get("/health")
        if len(hosted.opened) > before:
            waits.append(clock.now_s - tried_at_s)
            tried_at_s = clock.now_s
    assert waits[:7] == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize("switches", [OPTIMISED, parse_switches("optimised", "parallel_fetch:off")])
@pytest.mark.parametrize("building_s", [0, 8, 12])
def test_initialisation_ends_after_ten_seconds_whatever_hangs(issuer, clock, switches, building_s):
    began_s = clock.now_s

    def hang(scope):
        clock.now_s = max(clock.now_s, scope.due_s)
        raise DeadlineError("no answer", where="neo4j")

    def open_stores(profile, *, pooling):
        stores = World([])(profile, pooling=pooling)
        clock.advance(building_s)
        stores.assets.ping = stores.graph.ping = stores.cache.ping = hang
        return stores

    plan = Plan(issuer.settings, open_stores, switches=switches, clocks=clock.clocks)
    with pytest.raises(NotReadyError, match="initialisation failed"):
        Container(plan, Tally()).acquire(began_s + 25)
    assert building_s <= clock.now_s - began_s <= max(building_s, 10)


def test_a_request_that_initialises_for_itself_ends_at_its_own_deadline(issuer, clock):
    def open_stores(profile, *, pooling):
        clock.advance(3)
        return World([])(profile, pooling=pooling)

    switches = parse_switches("optimised", "warm_init:off")
    container = Container(Plan(issuer.settings, open_stores, switches=switches, clocks=clock.clocks), Tally())
    with pytest.raises(DeadlineError):
        container.acquire(clock.now_s + 2)


def test_redis_is_not_needed_to_start(host, broken):
    broken.add("redis")
    hosted = host()
    document = json.loads(hosted.get("/health")["body"])
    assert document["status"] == "degraded"
    assert document["stores"]["redis"]["state"] == "degraded"
    assert document["stores"]["redis"]["last_error"] == "unreachable"
    assert hosted.get("/assets/domain:shared.example")["statusCode"] == 200


def test_a_bad_key_set_is_a_failure_of_initialisation():
    tokens = TokenSettings("i", "a", jwks="nonsense")
    container = Container(
        Plan(tokens=tokens, open_stores=World([]), profile=LAMBDA, switches=OPTIMISED), Tally()
    )
    with pytest.raises(NotReadyError, match="JWKS"):
        container.acquire()


def test_a_store_that_fails_is_degraded_and_comes_back_by_itself(host, broken, clock, scope):
    hosted = host(clocks=clock.clocks)
    health = hosted.core._container.resources.health
    broken.add("neo4j")
    clock.advance(5)
    failing = health.view(scope)
    assert (failing.status, failing.stores["neo4j"].state) == ("down", "degraded")
    broken.clear()
    assert health.view(scope) == failing
    clock.advance(5)
    recovered = health.view(scope)
    assert (recovered.status, recovered.stores["neo4j"].state) == ("ok", "ok")
    assert recovered.stores["neo4j"].last_error == "unreachable"
    assert recovered.stores["neo4j"].last_error_at_s == failing.stores["neo4j"].checked_at_s


def test_asking_for_health_often_does_not_load_the_stores(host, clock):
    hosted = host(clocks=clock.clocks)
    for _ in range(20):
        hosted.get("/health")
    assert "neo4j.pings" not in hosted.counted("GET /health")
    clock.advance(5)
    hosted.get("/health")
    assert hosted.counted("GET /health")["neo4j.pings"] == 1


def test_health_is_checked_in_the_background_until_it_is_stopped(clock):
    stores = World([])(LAMBDA, pooling=True)
    pinged = threading.Event()
    stores.cache.ping = lambda scope: pinged.set()
    health = HealthChecker(stores, InTurn(), clock.clocks)
    health.start(Tally(), lambda _scope: None, interval_s=0.01)
    assert pinged.wait(10)
    health.stop()
    names = [thread.name for thread in threading.enumerate()]
    for thread in threading.enumerate():
        if thread.name == "asset-core-health":
            thread.join(10)
    assert "asset-core-health" not in [thread.name for thread in threading.enumerate()], names


def test_the_background_checks_go_on_after_an_error_that_nobody_planned(clock, caplog):
    again, chores = threading.Event(), []

    def chore(_scope):
        chores.append("done")
        if len(chores) == 1:
            raise ZeroDivisionError
        again.set()

    health = HealthChecker(World([])(LAMBDA, pooling=True), InTurn(), clock.clocks)
    health.start(Tally(), chore, interval_s=0.01)
    assert again.wait(10)
    health.stop()
    assert "a background health check failed" in caplog.text


def test_stores_have_what_their_protocols_ask_for():
    stores = World([])(LAMBDA, pooling=True)
    assert isinstance(stores.graph, MemoryGraph)
    assert isinstance(stores.cache, MemoryCache)
    assert [store.pool().size for store in (stores.assets, stores.graph, stores.cache)] == [None, 5, 5]


def test_metrics_are_written_early_where_a_busy_interval_would_keep_them_all(clock):
    lines = []
    meter = Meter(lines.append, clock.clocks, interval_s=10)
    for _ in range(4095):
        meter.record("GET /a", 200, 2_000_000)
    assert lines == []
    meter.record("GET /a", 200, 2_000_000)
    (line,) = lines
    assert json.loads(line)["success"] == 4096


def test_metrics_are_one_line_for_each_operation_outcome_and_interval(clock):
    lines = []
    meter = Meter(lines.append, clock.clocks, interval_s=10)
    for _ in range(3):
        meter.record("GET /a", 200, 2_000_000)
    meter.record("GET /a", 401, 1_000_000)
    meter.record("GET /a", 504, 1_000_000)
    meter.record("GET /a", 503, 1_000_000)
    meter.record("GET /a", 404, 9_000_000)
    assert lines == []
    clock.advance(10)
    meter.record("GET /a", 200, 40_000_000)
    documents = {document["outcome"]: document for document in map(json.loads, lines)}
    assert {outcome: document[outcome] for outcome, document in documents.items()} == {
        "success": 5,
        "unauthorised": 1,
        "timeout": 1,
        "error": 1,
    }
    duration = documents["success"]["duration"]
    assert duration["Counts"] == [3, 1, 1]
    assert duration["Values"] == pytest.approx([2.0, 9.0, 40.0], rel=0.125)
    metric = documents["success"]["_aws"]["CloudWatchMetrics"][0]
    assert metric["Dimensions"] == [["operation", "outcome"]]
    assert {entry["Name"] for entry in metric["Metrics"]} == {"success", "duration"}
    assert documents["success"]["operation"] == "GET /a"
    assert documents["success"]["_aws"]["Timestamp"] == int(clock.now_s * 1000)


def test_a_line_never_has_more_values_than_emf_allows(clock, rng):
    lines = []
    meter = Meter(lines.append, clock.clocks)
    for _ in range(4_000):
        meter.record("a", 200, int(10 ** rng.uniform(2, 10.4)))
    meter.flush()
    assert len(json.loads(lines[0])["duration"]["Values"]) <= 100


def test_closing_writes_the_last_metrics(host):
    hosted = host()
    hosted.get("/health")
    hosted.core.close()
    assert json.loads(hosted.lines[-1])["success"] == 1
