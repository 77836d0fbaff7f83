"""Slots that take turns: the order of slices, and which slots run meanwhile."""

import random
from collections import Counter

import pytest

from harness.session.receipt import Benchmark, Concurrency
from harness.session.slots.turns import Turns, measure_series

NAMES = ("base", "candidate", "null")


class FakeSlot:
    """A slot that notes what it is asked for; its slices are as long as its number of calls so far."""

    def __init__(self, name, log):
        self.name, self.log, self.is_running, self.calls = name, log, True, 0

    def stop(self):
        self.is_running = False

    def resume(self):
        self.is_running = True

    def begin(self):
        self.log.append((self.name, "begin"))

    def slice_ns(self, calls):
        assert self.is_running
        self.calls += calls
        self.log.append((self.name, "slice"))
        return self.calls, self.calls

    def slice_of_all_ns(self, calls):
        return *self.slice_ns(calls), 5


def turns_of(names=NAMES, *, alone=False):
    log, turns = [], Turns(alone=alone)
    slots = {name: FakeSlot(name, log) for name in names}
    for name, slot in slots.items():
        turns.pause()
        turns.add(name, slot)
    return turns, slots, log


def test_three_slots_are_timed_in_one_series_in_every_order_equally_often():
    turns, _, log = turns_of()
    series = measure_series(turns, NAMES, Benchmark(name="a", calls=1, pairs=600), random.Random(1))
    assert Counter(log) == {
        (name, what): times for name in NAMES for what, times in (("begin", 1), ("slice", 601))
    }
    orders = Counter(tuple(order) for order in series.orders)
    assert len(orders) == 6
    assert max(orders.values()) < 1.5 * min(orders.values())
    # All have made the same calls at any time: a cost that grows with the calls is the same for each of them.
    pairs = [series.against("base", other) for other in ("candidate", "null")]
    assert all(one.base_ns == one.candidate_ns == list(range(2, 602)) for one in pairs)


def test_the_pairs_of_two_slots_tell_which_was_first():
    turns, _, log = turns_of()
    series = measure_series(turns, NAMES, Benchmark(name="a", pairs=50), random.Random(1))
    slices = [name for name, what in log if what == "slice"][3:]
    rounds = [slices[start : start + 3] for start in range(0, 150, 3)]
    for other in ("candidate", "null"):
        expected = [int(order.index(other) < order.index("base")) for order in rounds]
        assert series.against("base", other).first == expected
        assert {0, 1} == set(expected)


def test_the_other_slots_are_stopped_while_one_of_a_benchmark_with_threads_is_timed():
    turns, slots, log = turns_of(alone=True)
    running = []

    class Noting(FakeSlot):
        def slice_ns(self, calls):
            running.append([name for name, slot in slots.items() if slot.is_running])
            return super().slice_ns(calls)

    for slot in slots.values():
        slot.__class__ = Noting
    benchmark = Benchmark(name="a", pairs=20, concurrency=Concurrency.THREADS)
    series = measure_series(turns, NAMES, benchmark, random.Random(1))
    assert running == [[name] for name, what in log if what == "slice"]
    assert series.against("base", "null").candidate_other_cpu_ns == [5] * 20
    assert series.against("base", "candidate").base_other_cpu_ns == [5] * 20


def test_slots_of_ordinary_benchmarks_are_never_stopped_and_record_no_other_threads():
    turns, slots, _ = turns_of()
    series = measure_series(turns, NAMES, Benchmark(name="a", pairs=5), random.Random(1))
    assert all(slot.is_running for slot in slots.values())
    assert series.against("base", "candidate").base_other_cpu_ns == []


@pytest.mark.parametrize(("parts", "places"), [(1, [0]), (2, [0, 20]), (3, [0, 13, 26])])
def test_the_looks_of_a_series_are_spread_over_its_rounds(parts, places):
    turns, _, log = turns_of(("base", "candidate"))
    seen = []
    measure_series(
        turns,
        ("base", "candidate"),
        Benchmark(name="a", pairs=40),
        random.Random(1),
        parts,
        lambda: seen.append(max(0, (len(log) - 4) // 2)),
    )
    assert seen == places
