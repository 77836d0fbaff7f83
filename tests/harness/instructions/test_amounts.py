"""How much is counted of a benchmark."""

import pytest

from harness.instructions.amounts import LONGEST_S, PAIRS, amount, counting_seconds
from harness.session.receipt import State
from harness.session.slots.sizing import Discovery, Found


@pytest.mark.parametrize("ns", [0.0, 50.0, 1e3, 3e5, 1e6, 5e6, 2e7, 1e8, 1e9])
def test_every_benchmark_is_called_and_warm_ones_of_a_usual_length_take_little(ns):
    found = amount(ns)
    assert min(found.calls, found.windows, found.warm) >= 1
    if ns <= 1e6:
        assert found.windows > 1
        assert found.count_s <= 1.5
    if ns <= 1e5:
        assert found.calls * max(ns, 1.0) == pytest.approx(5e5, rel=0.2)


def test_a_call_too_long_to_be_counted_is_named_with_its_figures():
    assert amount(0.2e9).too_long == ""
    why = amount(1e9).too_long
    assert "a call with its setup takes 1 s" in why
    assert f"limit {LONGEST_S:.0f} s" in why
    assert amount(1e9).count_s > LONGEST_S


def seconds(*calls_ns):
    found = tuple(Found(str(place), "f", State.BOTH, ns, ns, ns) for place, ns in enumerate(calls_ns))
    return counting_seconds(Discovery((*found, Found("new", "f", State.NEW, None, 1e5, 1e5)), start_s=0.5))


def test_the_time_that_is_said_grows_with_the_benchmarks_and_leaves_out_what_is_not_counted():
    one, two = seconds(1e5), seconds(1e5, 1e5)
    assert 0 < one < two < 2 * one
    assert two - one >= PAIRS * amount(1e5).slot_s
    assert seconds(1e5, 1e10) == one
    assert seconds(1e10) == seconds() == 0.0
