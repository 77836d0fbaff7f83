"""Calls that follow one another: the same rows as one by one, whoever claims rows between them."""

import asyncio
import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, RefusedError
from harness.load.back_to_back import make_slice
from harness.load.calling import Calling, Work, make_caller
from harness.load.owner import Owner
from harness.load.split import Split
from harness.model import Outcome
from harness.table import calls, recorder
from harness.table.recorder import Recorder
from harness.target.answers import Judge

ME = object()
ORIGIN_NS = 1_000
FOREVER_NS = 1 << 61
ENDS = {
    "returns": None,
    "refused": None,
    "breaks": ValueError(),
    "exits": SystemExit(1),
    "cancelled": asyncio.CancelledError(),
    "times out": TimeoutError(),
}


class Bench:
    """A recorder, a clock that only calls move, and a target that does what its events say."""

    def __init__(self, path, events, *, split=True):
        self.now_ns = ORIGIN_NS
        self.kept = Recorder(path, 0)
        self.split = Split(None, self.read) if split else None
        if self.split:
            self.split.expect(2)
        owners = self.split.owners if self.split else {}
        owners[ME] = Owner()
        work = Work(["a", "b"], [self.call] * 2, [events] * 2, self.read, Judge(self.judge, str))
        self.calling = Calling(work, self.kept, ORIGIN_NS, self.split, owners)
        self.sequence = [(number % 2, number) for number in range(len(events))]
        self.claim = self.kept.appender()

    def read(self):
        self.now_ns += 1
        return self.now_ns

    def call(self, event):
        how, length_ns, others = event
        self.now_ns += length_ns
        for _ in range(others):
            self.claim(1, 999, 0, 0)
        if ENDS[how] is not None:
            raise ENDS[how]
        return how

    def judge(self, result):
        return Outcome.FAILED if result == "refused" else Outcome.COMPLETED


EVENTS = st.lists(
    st.tuples(st.sampled_from(list(ENDS)), st.integers(0, 10**6), st.just(0)), min_size=1, max_size=20
)


def one_by_one(bench, lag):
    make, done_ns = make_caller(bench.calling), bench.now_ns
    for operation, payload in bench.sequence:
        row = bench.claim(operation, payload, done_ns - ORIGIN_NS, done_ns - ORIGIN_NS)
        make(ME, row, operation, payload, *lag)
        # Each answer is judged, and the next call is intended after that.
        done_ns = bench.now_ns
        lag = 0, 0


def in_slices(bench, lag, slice_ns):
    make_calls, done_ns = make_slice(bench.calling, bench.sequence), bench.now_ns
    while bench.kept.tail[0] < len(bench.sequence):
        # The last slice may go round the sequence again: what it did beyond is left out of the comparison.
        done_ns = make_calls(ME, done_ns, done_ns, *lag, done_ns + slice_ns)
        lag = 0, 0


@settings(max_examples=80, deadline=None)
@given(EVENTS, st.sampled_from([(0, 0), (5, 0), (3, 4)]), st.sampled_from([0, 1_000, 10**6]), st.booleans())
def test_slices_leave_the_rows_that_single_calls_leave(tmp_path_factory, events, lag, slice_ns, split):
    folder = tmp_path_factory.mktemp("calls")
    tables = []
    for name, drive in (("one", one_by_one), ("many", lambda bench, lag: in_slices(bench, lag, slice_ns))):
        bench = Bench(folder / name, events, split=split)
        drive(bench, lag)
        bench.kept.close()
        tables.append(np.array(calls.load(folder / name))[: len(events)])
    assert np.array_equal(*tables)


@pytest.mark.parametrize("split", [True, False])
def test_a_row_that_another_claimed_meanwhile_stays_the_others(tmp_path, split):
    events = [("returns", 10, others) for others in (0, 2, 0, 1, 0)]
    path = tmp_path / "calls.npy"
    bench = Bench(path, events, split=split)
    if split:
        # What the switch hook does when a call gives the loop away, as it must for another to claim a row.
        call = bench.call

        def away(event):
            if event[2]:
                bench.split._part(bench.split.owners[ME])
            return call(event)

        bench.calling.work.calls[:] = [away] * 2
    make_slice(bench.calling, bench.sequence)(ME, bench.now_ns, bench.now_ns, 0, 0, bench.now_ns + 55)
    bench.kept.close()
    rows = calls.load(path)
    assert rows["payload"].tolist()[:8] == [0, 1, 999, 999, 2, 3, 999, 4]
    others = rows["payload"] == 999
    assert (rows["outcome"][others] == Outcome.UNFINISHED).all()
    assert (rows["outcome"][~others] == Outcome.COMPLETED).all()


def test_a_full_table_ends_the_calls_with_every_row_that_was_claimed_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "_GROWTH_ROWS", 4)
    monkeypatch.setattr(calls, "MAX_ROWS", 8)
    path = tmp_path / "calls.npy"
    bench = Bench(path, [("returns", 1, 0)])
    make_calls = make_slice(bench.calling, bench.sequence)
    with pytest.raises(HarnessError, match="ended at 8 calls"):
        make_calls(ME, bench.now_ns, bench.now_ns, 0, 0, FOREVER_NS)
    bench.kept.close()
    assert calls.load(path)["outcome"].tolist() == [Outcome.COMPLETED] * 8


def again(error):
    raise error


def test_a_call_that_is_killed_leaves_its_row_unfinished_and_those_before_it_whole(tmp_path):
    path = tmp_path / "calls.npy"
    bench = Bench(path, [("returns", 1, 0)] * 3)
    ends = itertools.chain([None, None], itertools.repeat(GeneratorExit()))

    def call(_event):
        if error := next(ends):
            raise error

    bench.calling.work.calls[:] = [call] * 2
    bench.calling = dataclasses.replace(
        bench.calling, work=dataclasses.replace(bench.calling.work, vet=again)
    )
    with pytest.raises(GeneratorExit):
        make_slice(bench.calling, bench.sequence)(ME, bench.now_ns, bench.now_ns, 0, 0, FOREVER_NS)
    bench.kept.close()
    assert calls.load(path)["outcome"].tolist() == [Outcome.COMPLETED] * 2 + [Outcome.UNFINISHED]


def test_a_result_that_is_none_ends_the_calls_and_keeps_those_before_it(tmp_path):
    path = tmp_path / "calls.npy"
    bench = Bench(path, [("returns", 1, 0)] * 4)
    answers = itertools.chain(["a", "b", "c"], itertools.repeat(iter("d")))
    bench.calling.work.calls[:] = [lambda _event: next(answers)] * 2
    with pytest.raises(RefusedError, match="an iterator for operation 'b'"):
        make_slice(bench.calling, bench.sequence)(ME, bench.now_ns, bench.now_ns, 0, 0, FOREVER_NS)
    bench.kept.close()
    assert calls.load(path)["outcome"].tolist() == [Outcome.COMPLETED] * 3 + [Outcome.UNFINISHED]


def test_whoever_asks_what_was_held_hears_of_every_call(tmp_path):
    bench = Bench(tmp_path / "calls.npy", [("returns", 1_000, 0)])
    bench.split.watch(0)
    make_calls = make_slice(bench.calling, bench.sequence)
    for _ in range(3):
        start_ns = bench.now_ns
        make_calls(ME, start_ns, start_ns, 0, 0, FOREVER_NS)
        # The clock moves on by one between two calls, which no one need hear of.
        assert bench.split.holds.recent_ns(start_ns) in (1_001, 1_002)
    bench.kept.close()


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("way", [one_by_one, lambda bench, lag: in_slices(bench, lag, 100)])
def test_the_first_byte_of_each_answer_stays_in_its_row(tmp_path, split, way):
    bench = Bench(tmp_path / "calls.npy", [("returns", 5, 0), ("refused", 5, 0)] * 10, split=split)
    bench.calling.work.judge.first_byte_ns = len
    way(bench, (0, 0))
    bench.kept.close()
    assert calls.load(tmp_path / "calls.npy")["first_byte_ns"][:20].tolist() == [7] * 20
