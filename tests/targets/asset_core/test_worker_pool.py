import threading

import pytest

from targets.asset_core.counting import Tally
from targets.asset_core.errors import DeadlineError, PoolFullError, StoreError
from targets.asset_core.scope import Scope
from targets.asset_core.workers.item import Item
from targets.asset_core.workers.pool import PerItem, WorkerPool


@pytest.fixture
def pools():
    made = []

    def make(kind=WorkerPool, *arguments, **options):
        made.append(kind(*arguments, **options))
        return made[-1]

    yield make
    for pool in made:
        pool.close(5.0)
    left = [thread.name for thread in threading.enumerate() if "scan" in thread.name]
    assert left == []


def item(work, due_s=float("inf"), clock=lambda: 0.0):
    return Item("id", "kind", None, "acme", Scope(due_s, Tally(), clock), work)


class Held:
    """Work that waits until it is let go, and says when it has begun."""

    def __init__(self):
        self.begun, self.release = threading.Semaphore(0), threading.Event()

    def __call__(self, _item):
        self.begun.release()
        assert self.release.wait(20)
        return "done"


@pytest.fixture
def held():
    made = Held()
    yield made
    made.release.set()


def fill(pool, held, count):
    items = [item(held) for _ in range(count)]
    for each in items:
        pool.submit(each)
    return items


@pytest.mark.parametrize("workers", [1, 3])
def test_it_takes_what_its_workers_and_a_queue_of_twice_as_many_hold_and_no_more(pools, held, workers):
    pool = pools(WorkerPool, "scan", workers)
    items = fill(pool, held, 3 * workers)
    with pytest.raises(PoolFullError, match="worker pool 'scan' is full"):
        pool.submit(item(held))
    for _ in range(workers):
        assert held.begun.acquire(timeout=20)
    state = pool.state()
    assert (state.active, state.queued, state.rejected) == (workers, 2 * workers, 1)
    held.release.set()
    assert [each.future.result(20) for each in items] == ["done"] * 3 * workers
    pool.submit(item(held))


def test_work_is_done_in_the_order_it_came_and_gets_the_item(pools):
    pool = pools(WorkerPool, "scan", 1)
    order = []
    items = [item(order.append) for _ in range(3)]
    for each in items:
        pool.submit(each)
    for each in items:
        each.future.result(20)
    assert order == items
    pool.close(5)
    assert (pool.state().done, pool.state().active, pool.state().queued) == (3, 0, 0)
    assert pool.state().work_ns > 0


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(1), StoreError("x", where="y")])
@pytest.mark.parametrize("make", [lambda: (WorkerPool, "scan", 1), lambda: (PerItem, "scan")])
def test_an_error_is_the_items_and_the_worker_lives_on(pools, error, make):
    pool = pools(*make())

    def raising(_item):
        raise error

    failing, fine = item(raising), item(lambda _item: 5)
    pool.submit(failing)
    pool.submit(fine)
    assert failing.future.exception(20) is error
    assert fine.future.result(20) == 5
    pool.close(5)
    assert (pool.state().done, pool.state().failed) == (1, 1)


def test_what_is_cancelled_or_late_before_it_begins_is_skipped(pools, held):
    pool, now_s, ran = pools(WorkerPool, "scan", 1), [0.0], []
    first = fill(pool, held, 1)[0]
    assert held.begun.acquire(timeout=20)
    cancelled, late = item(ran.append), item(ran.append, 5.0, lambda: now_s[0])
    pool.submit(cancelled)
    pool.submit(late)
    assert cancelled.future.cancel()
    now_s[0] = 6.0
    held.release.set()
    assert isinstance(late.future.exception(20), DeadlineError)
    assert first.future.result(20) == "done"
    pool.close(5)
    assert ran == []
    assert (pool.state().skipped, pool.state().done) == (2, 1)


def test_closing_works_off_the_queue_and_then_takes_no_more(pools, held):
    pool = pools(WorkerPool, "scan", 2)
    items = fill(pool, held, 6)
    held.release.set()
    pool.close(20)
    assert all(each.future.done() and each.future.result() == "done" for each in items)
    with pytest.raises(StoreError, match="shut down"):
        pool.submit(item(held))


def test_closing_does_not_wait_for_ever_and_fails_what_it_drops(pools, held):
    pool = pools(WorkerPool, "scan", 1)
    items = fill(pool, held, 3)
    assert held.begun.acquire(timeout=20)
    pool.close(0.05)
    for dropped in items[1:]:
        with pytest.raises(StoreError, match="shut down"):
            dropped.future.result(20)
    held.release.set()
    assert items[0].future.result(20) == "done"


def test_without_a_pool_everything_begins_at_once(pools, held):
    pool = pools(PerItem, "scan")
    items = fill(pool, held, 40)
    for _ in range(40):
        assert held.begun.acquire(timeout=20)
    assert (pool.state().active, pool.state().workers) == (40, None)
    held.release.set()
    pool.close(20)
    assert [each.future.result(20) for each in items] == ["done"] * 40
    with pytest.raises(StoreError, match="shut down"):
        pool.submit(item(held))


@pytest.mark.parametrize(
    "make", [lambda wrap: (WorkerPool, "scan", 1, wrap), lambda wrap: (PerItem, "scan", wrap)]
)
def test_work_is_bound_to_the_call_that_submits_it(pools, make):
    current = threading.local()

    def wrap(function):
        who = current.who

        def bound(*arguments):
            current.who = who
            return function(*arguments)

        return bound

    pool = pools(*make(wrap))
    found = []
    for who in ("ada", "bob"):
        current.who = who
        pool.submit(each := item(lambda _item: found.append(current.who)))
        each.future.result(20)
    assert found == ["ada", "bob"]


def test_no_worker_is_begun_before_there_is_work(pools):
    before = threading.active_count()
    pool = pools(WorkerPool, "scan", 10)
    assert threading.active_count() == before
    pool.submit(each := item(lambda _item: None))
    each.future.result(20)
    assert threading.active_count() == before + 1
