"""Gates and scopes: places, waiting for them, and the time that a request has."""

import threading
import time

import pytest

from targets.asset_core.counting import Tally
from targets.asset_core.errors import (
    DeadlineError,
    PoolTimeoutError,
)
from targets.asset_core.gate import Gate
from targets.asset_core.scope import Scope, request_limit_s
from tests.support.core import Context


def test_a_gate_lets_no_more_through_than_it_has_places():
    gate, inside, most, lock = Gate("neo4j", 2, 10.0), [0], [0], threading.Lock()

    def use():
        with gate.passing(Scope(float("inf"), Tally())):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    view = gate.view()
    assert most[0] <= 2
    assert view.waits >= 1
    assert view.wait_ns > 0
    assert (view.in_use, view.idle, view.timeouts, view.errors) == (0, 2, 0, 0)


def test_waiting_too_long_at_a_gate_is_a_time_out_of_the_pool_with_its_name(scope):
    gate = Gate("neo4j", 1, 0.01)
    with gate.passing(scope), pytest.raises(PoolTimeoutError, match="neo4j"):
        gate.enter(scope)
    assert gate.view().timeouts == 1
    assert scope.tally.totals()["neo4j.pool_waits"] == 1


def test_waiting_at_a_gate_ends_with_the_request():
    gate, scope = Gate("neo4j", 1, 10.0), Scope(time.monotonic() + 0.01, Tally())
    with gate.passing(scope), pytest.raises(DeadlineError):
        gate.enter(scope)


def test_an_error_inside_a_gate_is_counted_and_gives_the_place_back(scope):
    gate = Gate("redis", 1, 1.0)
    with pytest.raises(KeyError), gate.passing(scope):
        raise KeyError
    assert (gate.view().errors, gate.view().in_use, gate.view().idle) == (1, 0, 1)


def test_a_scope_cuts_limits_to_the_time_left(clock):
    scope = Scope(clock.now_s + 2, Tally(), clock.read)
    assert (scope.allow(1.0), scope.allow(5.0), scope.allow()) == (1.0, 2.0, 2.0)
    clock.advance(2)
    with pytest.raises(DeadlineError):
        scope.check()
    with pytest.raises(DeadlineError):
        scope.allow(1.0)


@pytest.mark.parametrize(("left_ms", "limit_s"), [(60_000, 25.0), (25_500, 25.0), (10_000, 9.5), (400, -0.1)])
def test_a_request_may_take_25_seconds_or_what_the_context_has_left_less_a_reserve(left_ms, limit_s):
    assert request_limit_s(Context(left_ms)) == pytest.approx(limit_s)
    assert request_limit_s(object()) == 25.0


def test_a_place_at_a_gate_can_be_taken_again_after_an_error_inside():
    gate, scope = Gate("redis", 1, 0.01), Scope(float("inf"), Tally())
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.passing(scope):
            raise ZeroDivisionError
    assert gate.view().timeouts == 0
