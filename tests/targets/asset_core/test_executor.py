import subprocess
import sys
import threading
import time

import pytest

from targets.asset_core.counting import Tally
from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.executor import AtOnce, InTurn
from targets.asset_core.scope import Scope


@pytest.fixture
def executor():
    made = AtOnce(4)
    yield made
    made.close()


def due_in(seconds):
    return Scope(time.monotonic() + seconds, Tally())


def test_tasks_run_at_the_same_time_and_results_keep_their_order(executor):
    together = threading.Barrier(4)

    def task(number):
        together.wait(timeout=10)
        return number

    assert executor.run_all([lambda n=n: task(n) for n in range(4)], due_in(20)) == [0, 1, 2, 3]


def test_in_turn_runs_one_after_the_other_in_the_callers_thread():
    seen = []
    InTurn().run_all([lambda n=n: seen.append((n, threading.get_ident())) for n in range(3)], due_in(20))
    assert seen == [(n, threading.get_ident()) for n in range(3)]


def test_the_first_error_is_raised_and_unstarted_tasks_never_run():
    executor, ran, release = AtOnce(1), [], threading.Event()

    def fail():
        raise StoreError("no", where="neo4j")

    with pytest.raises(StoreError, match="no"):
        executor.run_all([fail, lambda: release.wait(5), lambda: ran.append(1)], due_in(20))
    release.set()
    executor.close()
    assert ran == []


def test_on_expiry_unstarted_work_is_dropped_and_running_work_counted_until_it_ends():
    executor, release, ran = AtOnce(1), threading.Event(), []
    with pytest.raises(DeadlineError):
        executor.run_all([lambda: release.wait(10), lambda: ran.append(1)], due_in(0.05))
    assert executor.left_over == 1
    release.set()
    executor.run_all([lambda: None], due_in(20))
    assert executor.left_over == 0
    assert ran == []
    executor.close()


def test_wrap_is_applied_in_the_callers_thread_to_every_function_handed_over():
    caller, wrapped = threading.get_ident(), []

    def wrap(function):
        wrapped.append(threading.get_ident())
        return function

    executor = AtOnce(2, wrap)
    executor.run_all([threading.get_ident] * 3, due_in(20))
    executor.close()
    assert wrapped == [caller] * 3


def test_a_task_that_would_wait_for_its_own_executor_is_refused_before_all_workers_do_so():
    executor, other = AtOnce(2), AtOnce(1)

    def nested(inner):
        return inner.run_all([threading.get_ident], due_in(20))

    with pytest.raises(RuntimeError, match="its own executor"):
        executor.run_all([lambda: nested(executor)], due_in(20))
    # Of another executor it may, and a worker that served such a task serves others.
    assert len(executor.run_all([lambda: nested(other)] * 4, due_in(20))) == 4
    executor.close()
    other.close()


KILLED = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent, random
from targets.core_target import create

class Context:
    def get_remaining_time_in_millis(self):
        return 700

target = create(latency_ms="60000", switches="single_flight:off,l2:off", profile="lambda")
target._core = None
from targets.asset_core.core import Core
target._core = Core(target._plan())
container = target._core._container
from targets.asset_core.assembly import build
container._resources = build(container.plan, container.tracing)
event = target.make_event("GET /assets/{id}", random.Random(1))
with gevent.Timeout(30):
    statuses = [target._core.handler(event, Context())["statusCode"] for _ in range(3)]
    gevent.sleep(0.05)
executor = container._resources.executor
pools = [pool.in_use for pool in target._core.pools()]
world = container.plan.open_stores
for latency in world.latencies.values():
    latency._mu = None
with gevent.Timeout(30):
    after = target._core.handler(event, Context())["statusCode"]
target.close()
print(statuses, executor.left_over, pools, after)
"""


def test_under_greenlets_the_work_behind_an_expired_request_is_killed_and_the_pool_lives_on():
    result = subprocess.run(
        [sys.executable, "-c", KILLED], capture_output=True, text=True, timeout=90, check=False
    )
    assert result.stdout.strip() == "[504, 504, 504] 0 [0, 0, 0] 200", result.stderr
