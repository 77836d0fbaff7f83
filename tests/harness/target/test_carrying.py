"""What a call hands to threads, executors and event loops works under its marker, and nothing else of it changes."""

import asyncio
import concurrent.futures
import functools
import subprocess
import sys
import textwrap
import threading
import weakref
from multiprocessing.pool import ThreadPool

import pytest

from harness.profiles.stacks.marker import operation_of, running
from harness.target.carrying import Carrier

EARLY = concurrent.futures.ThreadPoolExecutor(1)


def operation(*_):
    """Return the operation whose marker is on the stack."""
    frame = sys._getframe()
    while frame is not None:
        if (found := operation_of(frame.f_code.co_name)) is not None:
            return found
        frame = frame.f_back
    return None


def by_thread(make=threading.Thread):
    found = []
    thread = make(target=lambda: found.append(operation()))
    thread.start()
    thread.join()
    return found[0]


def by_subclass():
    class Own(threading.Thread):
        def run(self):
            self.found = operation()

    own = Own()
    own.start()
    own.join()
    assert "run" not in vars(own)
    return own.found


def by_thread_of_a_thread():
    found = []
    by_thread(lambda target: threading.Thread(target=lambda: (target(), found.append(by_thread()))))
    return found[0]


def by_timer():
    found = []
    timer = threading.Timer(0, lambda: found.append(operation()))
    timer.start()
    timer.join()
    return found[0]


def by_pool():
    with ThreadPool(1) as pool:
        ways = (
            pool.apply(operation), pool.map(operation, [1])[0], pool.starmap(operation, [(1,)])[0],
            next(pool.imap(operation, [1])), next(pool.imap_unordered(operation, [1])),
        )  # fmt: skip
        (found,) = {*ways}
        return found


def by_done_callback():
    found = []
    future = EARLY.submit(threading.Event().wait, 0.01)
    future.add_done_callback(lambda _: found.append(operation()))
    future.result()
    EARLY.submit(int).result()
    return found[0]


def on_a_loop(make):
    """Return what a coroutine of a loop says that runs on a thread which no call has started."""
    return asyncio.run_coroutine_threadsafe(make(), LOOP[0]).result()


async def stepwise():
    first = operation()
    await asyncio.sleep(0)
    return {first, operation(), await asyncio.create_task(one_step()), await asyncio.to_thread(operation)}


async def one_step():
    await asyncio.sleep(0.001)
    return operation()


def by_loop():
    (found,) = on_a_loop(stepwise)
    return found


LOOP = []


@pytest.fixture(scope="module", autouse=True)
def loop():
    """A loop on a thread, from before anything is carried."""
    LOOP.append(asyncio.new_event_loop())
    thread = threading.Thread(target=LOOP[0].run_forever)
    thread.start()
    yield
    LOOP[0].call_soon_threadsafe(LOOP[0].stop)
    thread.join()
    LOOP.pop().close()


WAYS = {
    "a thread": by_thread,
    "a subclass of Thread": by_subclass,
    "a thread that a thread starts": by_thread_of_a_thread,
    "a timer": by_timer,
    "an executor from before": lambda: EARLY.submit(operation).result(),
    "map of an executor": lambda: next(EARLY.map(operation, [1])),
    "a callback of a future": by_done_callback,
    "a pool of multiprocessing": by_pool,
    "a loop on a thread": by_loop,
    "a context": lambda: __import__("contextvars").copy_context().run(operation),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_call_hands_over_works_under_its_marker_and_under_none_elsewhere(way):
    plain = WAYS[way]
    assert plain() is None
    with Carrier() as carrier:
        assert plain() is None
        assert carrier.run(running("GET /a"), plain) == "GET /a"
        # Workers that the call has started are nobody's, and the next one's as well.
        assert carrier.run(running("b"), plain) == "b"
        assert plain() is None
    assert plain() is None


def test_everything_is_as_before_when_the_carrier_is_removed():
    before = (
        threading.Thread.start, concurrent.futures.ThreadPoolExecutor.submit, asyncio.Handle._run, list(sys.meta_path),
        "map_async" in vars(ThreadPool), "apply_async" in vars(ThreadPool),
    )  # fmt: skip
    with Carrier():
        assert threading.Thread.start is not before[0]
        assert threading.Thread.start.__name__ == "start"
    after = (
        threading.Thread.start, concurrent.futures.ThreadPoolExecutor.submit, asyncio.Handle._run, list(sys.meta_path),
        "map_async" in vars(ThreadPool), "apply_async" in vars(ThreadPool),
    )  # fmt: skip
    assert after == before


def test_work_that_a_target_binds_itself_is_bound_once_and_may_be_bound_to_another_call():
    with Carrier() as carrier:
        assert carrier.bind(operation) is operation
        bound = carrier.run(running("a"), carrier.bind, operation)
        assert carrier.run(running("b"), carrier.bind, bound) is bound
        assert carrier.run(running("b"), lambda: EARLY.submit(bound).result()) == "a"


def test_results_errors_names_and_lifetimes_are_those_of_the_user(recwarn):
    class Job:
        def __call__(self, one, *, two):
            return one, two

    @functools.wraps(by_thread)
    def fails():
        raise ZeroDivisionError("planned")

    def call():
        job = Job()
        seen = weakref.ref(job)
        assert EARLY.submit(job, 1, two=2).result() == (1, 2)
        with pytest.raises(ZeroDivisionError, match="planned"):
            EARLY.submit(fails).result()
        thread = threading.Thread(target=fails.__wrapped__)
        assert thread.name.endswith("(by_thread)")
        with pytest.raises(RuntimeError, match="threads can only be started once"):
            thread.start(), thread.join(), thread.start()
        assert "run" not in vars(thread)
        del job
        EARLY.submit(int).result()
        return seen

    with Carrier() as carrier:
        assert carrier.run(running("a"), call)() is None
    assert fails.__wrapped__ is by_thread
    assert not recwarn.list


GEVENT = """
    import sys
    from harness.target.carrying import Carrier
    from harness.profiles.stacks.marker import running
    sys.path.insert(0, ".")
    with Carrier() as carrier:
        # Imported after the carrier, as a target does it where nothing has imported gevent before.
        from gevent import Greenlet, get_hub, spawn, spawn_later, spawn_raw, sleep
        from gevent.pool import Group, Pool
        from tests.harness.target.test_carrying import operation

        class Own(Greenlet):
            def _run(self):
                return operation()

        def raw():
            found = []
            spawn_raw(lambda: found.append(operation()))
            sleep(0)
            return found[0]

        def started(greenlet):
            greenlet.start()
            return greenlet.get()

        ways = [
            lambda: spawn(operation).get(), lambda: spawn_later(0, operation).get(), lambda: started(Greenlet(operation)),
            lambda: started(Own()), raw, lambda: Pool(1).map(operation, [1])[0], lambda: Pool(1).apply(operation),
            lambda: next(Group().imap(operation, [1])), lambda: get_hub().threadpool.apply(operation),
            lambda: spawn(lambda: spawn(operation).get()).get(),
        ]
        for way in ways:
            for _ in range(2):
                assert way() is None
                assert carrier.run(running("GET /a"), way) == "GET /a"
        name = repr(carrier.run(running("a"), Greenlet, operation))
        assert name.startswith("<Greenlet at "), name
    import gevent
    # Whoever took them from gevent keeps them: they are as its own from now on.
    print(gevent.spawn(operation).get(), spawn(operation).get(), type(spawn(operation)).__name__)
"""


def test_greenlets_pools_and_native_threads_of_gevent_are_carried_to():
    words = [sys.executable, "-c", textwrap.dedent(GEVENT)]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (said.stdout, said.stderr) == ("None None Greenlet\n", "")
