"""A long table a piece at a time: nothing is lost, nothing is written, and memory does not follow the length."""

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reading import summary
from harness.reading.judging import judge
from harness.reading.run_json import as_json
from harness.reading.summary import load
from harness.table import calls, pieces
from harness.table.pieces import warmup_and_measured
from reports.run import view
from tests.support.run_builder import make_run

MIXED = {"fail_share": 0.1, "timeout_share": 0.05, "dropped_share": 0.07, "never_share": 0.03}


def table_of(intended):
    table = np.zeros(len(intended), calls.DTYPE)
    table["intended_ns"], table["payload"] = intended, np.arange(len(intended))
    return table


@given(st.integers(0, 40), st.integers(1, 50))
def test_pieces_are_the_rows_in_order(rows, step):
    table = table_of(range(rows))
    parts = list(pieces.pieces(table, step))
    assert all(0 < len(part) <= step for part in parts)
    assert np.array_equal(np.concatenate([table[:0], *parts]), table)


@given(st.lists(st.integers(-3, 3), max_size=40))
def test_warm_up_and_measured_rows_are_told_apart_in_their_order(tmp_path_factory, intended):
    path = tmp_path_factory.mktemp("calls") / "calls.npy"
    table = table_of(intended)
    calls.write_table(path, table)
    before = path.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_ROWS", 7)
        warmup, measured = warmup_and_measured(calls.load(path))
        assert np.array_equal(warmup, table[table["intended_ns"] < 0])
        assert np.array_equal(measured, table[table["intended_ns"] >= 0])
        # Pages that hold the private order must survive another reading.
        assert sum(len(part) for part in pieces.pieces(measured)) == len(measured)
        assert np.array_equal(measured, table[table["intended_ns"] >= 0])
    assert path.read_bytes() == before


def test_where_nothing_is_mixed_nothing_is_copied(tmp_path):
    path = tmp_path / "calls.npy"
    calls.write_table(path, table_of([-2, -1, 0, 1, 2]))
    warmup, measured = warmup_and_measured(calls.load(path))
    assert isinstance(measured, np.memmap)
    assert (warmup.mode, measured.mode) == ("r", "r")


def test_a_run_read_in_small_pieces_gives_the_same_report(tmp_path, monkeypatch):
    path = make_run(tmp_path, stages=(("one", 1, 1.0, 1.0), ("two", 1, 2.0, 0.5)), **MIXED)
    whole = load(path)
    # A page and a text are made of this and of nothing else.
    shown, numbers = view.build([judge(whole)]), as_json(judge(whole))
    monkeypatch.setattr(pieces, "PIECE_ROWS", 997)
    parts = load(path)
    assert as_json(judge(parts)) == numbers
    assert pickle.dumps(view.build([judge(parts)])) == pickle.dumps(shown)


def peak_bytes(path):
    """The peak of what reading and reporting a run allocates; the mapped file is no part of it."""
    tracemalloc.start()
    run = load(path)
    view.build([judge(run)])
    as_json(judge(run))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_ten_times_the_calls_take_no_more_memory_to_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_ROWS", 2_048)
    # Of the calls that tell when warm-up was over, no more than these are looked at.
    monkeypatch.setattr("harness.reading.steady._MOST_CALLS", 2_048)
    load_of = {"duration_s": 10.0, "operations": {"GET": 0.9, "POST": 0.1}, "sigma": 0.2}
    few = make_run(tmp_path / "few", rate_per_s=1_000, **load_of)
    many = make_run(tmp_path / "many", rate_per_s=10_000, **load_of)
    assert summary.load(many).planned == 10 * summary.load(few).planned == 100_000
    view.build([judge(summary.load(few))])  # Makes what is made once for a process.
    assert peak_bytes(many) < 1.15 * peak_bytes(few)
