"""The stamped call: two readings of the clock, and an outcome whatever the target does."""

import asyncio
import itertools

import pytest

from harness.model import Outcome
from harness.target.invoke import make_invoke


class Clock:
    """Every reading is 100 ns after the one before; `passed` adds what a target took."""

    def __init__(self):
        self.readings = []
        self.passed = 0

    def now_ns(self):
        self.passed += 100
        self.readings.append(self.passed)
        return self.passed


def raising(error):
    def call(_event):
        raise error

    return call


def test_the_call_gets_the_event_and_is_stamped_on_both_sides():
    clock, seen = Clock(), []

    def call(event):
        seen.append(event)
        clock.passed += 5000

    invoke = make_invoke(call, clock.now_ns)
    assert invoke("event") == (Outcome.COMPLETED, 100, 5200, None)
    assert seen == ["event"]
    assert len(clock.readings) == 2


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TimeoutError(), Outcome.TIMED_OUT),
        (ConnectionError(), Outcome.FAILED),
        (ValueError("bad"), Outcome.FAILED),
        (SystemExit(1), Outcome.FAILED),
        (StopIteration(), Outcome.FAILED),
        (RecursionError(), Outcome.FAILED),
        (MemoryError(), Outcome.FAILED),
        (GeneratorExit(), Outcome.FAILED),
        (asyncio.CancelledError(), Outcome.FAILED),
        (pytest.fail.Exception("no"), Outcome.FAILED),
        (KeyboardInterrupt(), Outcome.FAILED),
    ],
)
def test_whatever_the_target_raises_is_its_outcome_and_is_stamped(error, outcome):
    clock = Clock()
    assert make_invoke(raising(error), clock.now_ns)(None) == (outcome, 100, 200, None)


def test_a_driver_may_name_more_exceptions_that_mean_timed_out():
    class Late(BaseException):
        pass

    invoke = make_invoke(raising(Late()), Clock().now_ns, (TimeoutError, Late))
    assert invoke(None)[0] == Outcome.TIMED_OUT


def again(error):
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, ValueError])
def test_what_is_meant_for_the_driver_passes_through(error):
    with pytest.raises(error):
        make_invoke(raising(error()), Clock().now_ns, vet=again)(None)


def test_what_came_back_is_handed_on_to_be_judged_when_the_call_is_closed():
    clock = Clock()
    assert make_invoke(lambda _event: "bad", clock.now_ns)(None) == (Outcome.COMPLETED, 100, 200, "bad")
    assert len(clock.readings) == 2


def test_the_outcome_is_one_byte_as_the_table_keeps_it():
    results = itertools.count()
    invoke = make_invoke(lambda _event: next(results), Clock().now_ns)
    assert [invoke(None)[0] for _ in range(3)] == [2, 2, 2]
