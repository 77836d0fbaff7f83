"""How each part of the core comes back after a fault, one part at a time; all of them under load: `test_core_faults.py`."""

import concurrent.futures
import contextlib
import json
import socket
import sys
import threading
import time

import pytest

from targets.asset_core.cache.breaker import Breaker
from targets.asset_core.cache.shared import SharedCache
from targets.asset_core.clocks import Clocks
from targets.asset_core.container import Container
from targets.asset_core.counting import Tally
from targets.asset_core.encoding import encode_plainly
from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.executor import AtOnce, InTurn, Pending, _Job, _Within
from targets.asset_core.health import HealthChecker
from targets.asset_core.profiles import LAMBDA, SERVER
from targets.asset_core.scope import Scope
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores import redis_listener
from targets.asset_core.stores.memory import World
from targets.asset_core.stores.redis_cache import RedisCache
from targets.asset_core.workers.records import DONE, QUEUED, RUNNING, JobRecords, JobView
from tests.support.core import wait_until
from tests.targets.asset_core.shelf import Shelf


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def shared(shelf, clock):
    return SharedCache(shelf, Breaker(clock.read))


def test_what_redis_failed_to_forget_is_announced_before_it_is_asked_anything_else(shared, shelf, scope):
    for key in ("a", "b"):
        shared.put(key, 0.0, b"old", 60, scope)
    shelf.failing = True
    shared.remove(["a"], scope)
    shared.remove(["b"], scope)
    shelf.failing = False
    assert shared.get("other", scope) is None
    assert (shelf.announced, shelf.values) == (["a", "b"], {})
    shared.get("other", scope)
    assert shelf.announced == ["a", "b"]


def test_what_is_owed_to_redis_is_paid_without_any_request(shared, shelf, scope):
    shelf.failing = True
    shared.remove(["a"], scope)
    shelf.failing = False
    shared.settle(scope)
    assert shelf.announced == ["a"]
    calls = shelf.calls
    shared.settle(scope)
    assert shelf.calls == calls


def test_a_write_does_not_wait_for_a_redis_that_is_left_alone(shared, shelf, scope, clock):
    shelf.failing = True
    for key in "abcdef":
        shared.remove([key], scope)
    assert shelf.calls == 3
    shelf.failing = False
    shared.remove(["g"], scope)
    assert shelf.calls == 3
    clock.advance(1.0)
    shared.remove(["h"], scope)
    assert sorted(shelf.announced) == list("abcdefgh")


def test_a_redis_that_is_heard_again_is_asked_at_once(shared, shelf, scope):
    shelf.failing = True
    for _ in range(3):
        shared.get("a", scope)
    shelf.failing = False
    shared.get("a", scope)
    assert shelf.calls == 3
    shared.try_again()
    shared.get("a", scope)
    assert shelf.calls == 4


def test_a_key_that_is_owed_anew_while_it_is_announced_stays_owed(shared, shelf, scope):
    shelf.failing = True
    shared.remove(["a"], scope)
    shelf.failing = False
    original = shelf.announce

    def announce(keys, scope):
        original(keys, scope)
        shared._owe(["a"])
        shelf.announce = original

    shelf.announce = announce
    shared.get("x", scope)
    assert shelf.announced == ["a", "a"]


def test_while_others_are_not_heard_nothing_is_put_where_they_would_find_it(host):
    hosted = host(profile=SERVER)
    cache = hosted.resources.cache
    cache.lose_touch()
    assert hosted.get("/assets/domain:shared.example")["statusCode"] == 200
    assert hosted.world.values == {}
    # Asked once, and told nothing: what is put and taken back could have been found meanwhile.
    assert hosted.counted()["redis.calls"] == 1
    cache.catch_up()
    assert hosted.get("/assets/domain:shared.example")["statusCode"] == 200
    assert len(hosted.world.values) == 1
    assert hosted.counted()["cache.l3.fetch"] == 2


@pytest.fixture
def half_silent():
    """A Redis that takes a subscription and says no more; connections made to it are counted."""
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    taken.append(connection)
                    threading.Thread(target=answer, args=(connection,)).start()

        def answer(connection):
            with contextlib.suppress(OSError):
                while data := connection.recv(4096):
                    if b"SUBSCRIBE" in data:
                        connection.sendall(b"*3\r\n$9\r\nsubscribe\r\n$15\r\nasset:forgotten\r\n:1\r\n")
                    elif b"CLIENT" in data:
                        connection.sendall(b"+OK\r\n" * data.count(b"CLIENT"))

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], taken
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    for connection in taken:
        connection.close()


def test_a_listener_notices_that_the_server_is_silent_and_connects_again(half_silent, monkeypatch):
    port, taken = half_silent
    monkeypatch.setattr(redis_listener, "CHECK_S", 0.01)
    monkeypatch.setattr(redis_listener, "FIRST_BACK_OFF_S", 0.01)
    monkeypatch.setattr(redis_listener, "POLL_S", 0.01)
    gaps, losses = [], []
    settings = StoreSettings("t", "", "", "", "127.0.0.1", port)
    limits = type(LAMBDA.redis)(pool_size=1, wait_s=1.0, io_s=0.3)
    cache = RedisCache(settings, limits, pooling=True)
    end = cache.listen(lambda _keys: None, lambda: gaps.append(1), lambda: losses.append(1))
    wait_until(lambda: len(gaps) >= 2)
    end()
    assert losses
    assert len(taken) >= 2
    cache.close()


@pytest.mark.parametrize("at_once", [True, False])
def test_a_store_that_hangs_is_degraded_alone(clock, at_once):
    stores = World([])(LAMBDA, pooling=True)

    def hang(scope):
        clock.now_s = scope.due_s
        raise DeadlineError("too late", where="neo4j")

    stores.graph.ping = hang
    executor = AtOnce(3) if at_once else InTurn()
    health = HealthChecker(stores, executor, clock.clocks)
    assert health.check(Scope(clock.now_s + 10, Tally(), clock.read)) == {"neo4j": "timeout"}
    health.stop()


def test_a_check_that_runs_out_of_time_keeps_what_was_answered(clock):
    stores, release = World([])(LAMBDA, pooling=True), threading.Event()
    stores.graph.ping = lambda _scope: release.wait(10)
    health = HealthChecker(stores, AtOnce(3), clock.clocks)
    scope = Scope(time.monotonic() + 0.5, Tally())
    clock.now_s = time.monotonic()
    assert health.check(scope) == {"neo4j": "timeout"}
    release.set()
    health.stop()


def test_a_check_in_the_background_ends_although_a_store_never_answers(monkeypatch):
    monkeypatch.setattr("targets.asset_core.health.CHECK_LIMIT_S", 0.3)
    stores, release = World([])(LAMBDA, pooling=True), threading.Event()
    stores.graph.ping = lambda _scope: release.wait(10)
    health = HealthChecker(stores, AtOnce(3), Clocks())
    assert health.check(Scope(float("inf"), Tally())) == {"neo4j": "timeout"}
    release.set()
    health.stop()


def test_asking_for_health_waits_for_another_check_no_longer_than_the_request_may(clock):
    stores = World([])(LAMBDA, pooling=True)
    health = HealthChecker(stores, InTurn(), clock.clocks)
    with health._lock:
        assert_late(lambda: health.view(Scope(clock.now_s + 0.01, Tally(), clock.read)))


def assert_late(call):
    """Assert that a call ends with DeadlineError by itself, long before any limit that is not its own."""
    errors = []

    def late():
        with pytest.raises(DeadlineError) as error:
            call()
        errors.append(error)

    thread = threading.Thread(target=late, daemon=True)
    thread.start()
    thread.join(4)
    assert errors


def test_a_hung_fetch_does_not_make_the_stores_look_ill(host):
    hosted, release = host(latency_s=0.0), threading.Event()
    resources = hosted.resources
    workers = LAMBDA.fetch_workers
    held = [resources.executor.submit(lambda: release.wait(20)) for _ in range(workers)]
    scope = Scope(time.monotonic() + 10, Tally())
    assert resources.health.check(scope) == {}
    release.set()
    for each in held:
        each.future.result(20)


def test_a_request_waits_for_initialisation_by_another_no_longer_than_it_may(host):
    container = Container(host(opens=False).core._container.plan, Tally())
    with container._lock:
        assert_late(lambda: container.acquire(time.monotonic() + 0.01))


def test_many_threads_may_give_work_up_at_the_same_time():
    executor, errors = AtOnce(1), []

    def running():
        future = concurrent.futures.Future()
        future.set_running_or_notify_cancel()
        return Pending(_Job(None, _Within()), future)

    def give_up():
        try:
            for _ in range(40):
                executor.abandon([running() for _ in range(50)])
        except RuntimeError as error:
            errors.append(error)

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=give_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval_s)
    executor.close()
    assert errors == []
    assert executor.left_over == 4 * 40 * 50


def test_how_a_job_ended_is_kept_while_redis_takes_nothing_and_given_to_it_later(shelf, scope, clock):
    records = JobRecords(shelf, encode_plainly, clock.read)
    done = JobView("1", "k", DONE, {"n": 1})
    shelf.failing = True
    records.keep("t", JobView("2", "k", RUNNING), scope)
    records.keep("t", done, scope)
    assert records.get("t", "1", scope) == done
    assert records.get("t", "2", scope).state == RUNNING
    with pytest.raises(StoreError):
        records.get("t", "3", scope)
    assert records._unsaved
    shelf.failing = False
    assert records.get("t", "1", scope) == done
    assert [json.loads(value)["id"] for value in shelf.values.values()] == ["1"]
    assert records._unsaved == {}


def test_of_the_ends_that_redis_does_not_take_the_oldest_are_lost_beyond_a_thousand(shelf, scope, clock):
    records = JobRecords(shelf, encode_plainly, clock.read)
    shelf.failing = True
    for number in range(1_001):
        records.keep("t", JobView(str(number), "k", DONE), scope)
    assert records.get("t", "1", scope).state == records.get("t", "1000", scope).state == DONE
    with pytest.raises(StoreError):
        records.get("t", "0", scope)


def test_a_record_that_cannot_be_read_is_none(shelf, scope, clock):
    records = JobRecords(shelf, encode_plainly, clock.read)
    records.keep("t", JobView("1", "k", DONE), scope)
    (key,) = shelf.values
    for damaged in (b"{", b"[]", b"\xff"):
        shelf.values[key] = damaged
        assert records.get("t", "1", scope) is None


def test_a_record_lives_a_quarter_of_an_hour_from_the_last_that_was_noted(shelf, scope, clock):
    records = JobRecords(shelf, encode_plainly, clock.read)
    records.put("t", JobView("1", "k", QUEUED), scope)
    assert shelf.ttls.popitem()[1] == 900
    records.keep("t", JobView("1", "k", DONE), scope)
    assert shelf.ttls.popitem()[1] == 900
    shelf.failing = True
    records.keep("t", JobView("1", "k", DONE), scope)
    clock.advance(100)
    shelf.failing = False
    records.get("t", "1", scope)
    assert shelf.ttls.popitem()[1] == 800


def test_what_is_in_flight_is_known_without_redis_and_nothing_of_it_stays_behind(shelf, scope, clock):
    records = JobRecords(shelf, encode_plainly, clock.read)
    queued = JobView("1", "k", QUEUED)
    records.put("t", queued, scope)
    shelf.values.clear()
    assert records.get("t", "1", scope) == queued
    assert records.get("u", "1", scope) is None
    shelf.failing = True
    records.keep("t", JobView("1", "k", RUNNING), scope)
    assert records.get("t", "1", scope).state == RUNNING
    records.keep("t", JobView("1", "k", DONE), scope)
    assert records.get("t", "1", scope).state == DONE
    with pytest.raises(StoreError):
        records.put("t", JobView("2", "k", QUEUED), scope)
    shelf.failing = False
    assert records.get("t", "2", scope) is None
    records.put("t", JobView("3", "k", QUEUED), scope)
    records.remove("t", "3", scope)
    assert records.get("t", "3", scope) is None
    assert records._in_flight == {}


def test_the_end_of_a_job_that_redis_never_took_is_forgotten_after_its_time(shelf, scope, clock):
    records = JobRecords(shelf, encode_plainly, clock.read)
    shelf.failing = True
    records.keep("t", JobView("1", "k", DONE), scope)
    clock.advance(900)
    shelf.failing = False
    assert records.get("t", "1", scope) is None
