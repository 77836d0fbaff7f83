"""A run while it is measured: tables that are written step by step, and what is told of them."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.clock import NS_PER_S
from harness.model import Outcome
from harness.plans.span import Span
from harness.reading import follower
from harness.reading.live import LiveRun, stage_at
from harness.table import calls
from harness.table.recorder import Recorder

WARMUP_S, END_S, RATE = 2.0, 10.0, 200
PLAN = (
    Span("warm-up", -WARMUP_S, 0.0, RATE, RATE, warmup=True),
    Span("first", 0.0, 6.0, RATE, RATE),
    Span("second", 6.0, END_S, RATE, RATE),
)


def history(seed=1):
    """Return a whole run as it was in the end: every call starts 1 ms late, and takes 1 to 2,000 ms."""
    rng = np.random.default_rng(seed)
    count = round((WARMUP_S + END_S) * RATE)
    rows = np.zeros(count, calls.DTYPE)
    rows["intended_ns"] = -WARMUP_S * NS_PER_S + np.arange(count) * (NS_PER_S // RATE)
    rows["dispatched_ns"] = rows["entered_ns"] = rows["intended_ns"] + 1_000_000
    rows["completed_ns"] = rows["entered_ns"] + (rng.lognormal(3, 1.5, count).clip(1, 2000) * 1e6).astype(int)
    kinds = [Outcome.COMPLETED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.DROPPED]
    rows["outcome"] = rng.choice(kinds, count, p=[0.8, 0.1, 0.05, 0.05])
    is_dropped = rows["outcome"] == Outcome.DROPPED
    rows["entered_ns"][is_dropped] = rows["completed_ns"][is_dropped] = 0
    return rows


def at(rows, elapsed_s):
    """Return the table as it is on the way: what was let go by then is out, if it has not ended."""
    now_ns = round(elapsed_s * NS_PER_S)
    table = rows.copy()
    is_out = (rows["completed_ns"] > now_ns) & (rows["outcome"] != Outcome.DROPPED)
    table["outcome"][is_out] = Outcome.UNFINISHED
    table["outcome"][rows["dispatched_ns"] > now_ns] = Outcome.NEVER_STARTED
    return table


def looked(path, rows, *moments, is_open=True):
    """Return the last of the glances at those moments."""
    with LiveRun([path], PLAN, is_open=is_open) as run:
        for elapsed_s in moments:
            calls.write_table(path, at(rows, elapsed_s))
            glance = run.look(elapsed_s)
    return glance


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("live")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-2.5, 12.0), min_size=1, max_size=12).map(sorted), st.integers(0, 5))
def test_looking_often_tells_what_one_look_at_the_end_tells(folder, moments, seed):
    rows = history(seed)
    often = looked(folder / "often.npy", rows, *moments)
    assert often == looked(folder / "once.npy", rows, moments[-1])


def test_the_numbers_are_those_of_the_calls(folder):
    rows, elapsed_s = history(), 8.0
    glance = looked(folder / "known.npy", rows, -1.0, 3.3, 7.7, elapsed_s)
    measured = rows[rows["intended_ns"] >= 0]
    now_ns = elapsed_s * NS_PER_S
    back = measured[(measured["completed_ns"] <= now_ns) & (measured["outcome"] != Outcome.DROPPED)]
    ended = at(measured, elapsed_s)["outcome"]
    assert glance.outcomes == {
        outcome.label: int((ended == outcome).sum())
        for outcome in (Outcome.COMPLETED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.DROPPED)
    }
    assert (glance.stage, glance.so_far.span_s) == ("second", 8.0)
    assert glance.so_far.planned_per_s == RATE
    assert glance.so_far.completed_per_s == glance.outcomes["completed"] / 8
    # The last 5 s, but for a bin that has begun: on the dot of a second that is a whole one of 0.25 s.
    recent = back[back["completed_ns"] >= 3.25 * NS_PER_S]
    assert glance.recent.span_s == 4.75
    assert glance.recent.planned_per_s == pytest.approx(RATE, rel=0.002)
    assert glance.recent.completed_per_s == (recent["outcome"] == Outcome.COMPLETED).sum() / 4.75
    for figures, calls_of_it in ((glance.so_far, back), (glance.recent, recent)):
        response_ns = np.sort(calls_of_it["completed_ns"] - calls_of_it["intended_ns"])
        assert figures.response.count == len(response_ns)
        assert figures.response.high == response_ns[-1]
        for share in (0.5, 0.95, 0.99):
            exact_ns = response_ns[int(np.ceil(share * len(response_ns))) - 1]
            assert figures.response.percentile(share) == pytest.approx(exact_ns, rel=0.004)


@pytest.mark.parametrize("elapsed_s", [-1.5, -0.2, 0.1, 4.0, 9.99, 11.0])
def test_every_arrival_that_is_due_ended_or_is_out_or_waits(folder, elapsed_s):
    rows = history()
    glance = looked(folder / "sums.npy", rows, -2.0, elapsed_s)
    now_ns = elapsed_s * NS_PER_S
    table = at(rows, elapsed_s)
    is_phase = (rows["intended_ns"] < 0) if elapsed_s < 0 else (rows["intended_ns"] >= 0)
    out = table["outcome"] == Outcome.UNFINISHED
    assert glance.in_flight == out.sum()
    assert glance.waiting == ((rows["intended_ns"] < now_ns) & (rows["dispatched_ns"] > now_ns)).sum()
    due = (rows["intended_ns"] < now_ns) & is_phase
    earlier_out = (out & ~is_phase).sum()
    assert sum(glance.outcomes.values()) + glance.in_flight - earlier_out + glance.waiting == due.sum()
    unanswered = rows[out | ((table["outcome"] == Outcome.NEVER_STARTED) & (rows["intended_ns"] < now_ns))]
    oldest_s = (now_ns - unanswered["intended_ns"].min()) / NS_PER_S if len(unanswered) else None
    assert glance.oldest_s == (None if oldest_s is None else pytest.approx(oldest_s))


def test_a_target_that_hangs_is_seen_by_what_is_not_started_and_how_old_it_is(folder):
    rows = history()
    rows["dispatched_ns"][rows["intended_ns"] > 4 * NS_PER_S] = 9 * NS_PER_S
    glance = looked(folder / "hangs.npy", rows, 3.9, 7.0)
    assert glance.waiting == pytest.approx(3 * RATE, abs=2)
    assert glance.oldest_s >= 3.0 - 0.01
    assert glance.recent.planned_per_s == pytest.approx(RATE, rel=0.01)
    assert glance.recent.completed_per_s < RATE / 2


def test_a_closed_model_s_table_is_followed_as_it_grows_and_is_cut_at_its_end(tmp_path):
    path = tmp_path / "calls.npy"
    rows = 40_000
    with LiveRun([path], PLAN[1:], is_open=False) as run:
        assert run.look(0.0).in_flight == 0
        with Recorder(path, 0) as recorder:
            append = recorder.appender()
            for number in range(rows):
                append(0, 0, number * 1000, number * 1000)
                if number == 20_000:
                    assert run.look(1.0).in_flight == 20_001
        table = calls.load(path).copy()
        table["outcome"], table["completed_ns"] = Outcome.COMPLETED, table["intended_ns"] + 5_000_000
        calls.write_table(path, table)
        calls.seal(path)
        glance = run.look(2.0)
    assert (glance.outcomes["completed"], glance.in_flight, glance.waiting) == (rows, 0, 0)
    assert glance.so_far.planned_per_s is None
    assert glance.so_far.completed_per_s == rows / 2


def test_the_tables_of_several_workers_are_one_run(folder):
    rows = history()
    table = at(rows, 6.5)
    paths = [folder / f"part-{number}.npy" for number in range(3)]
    for number, path in enumerate(paths):
        calls.write_table(path, table[number::3])
    with LiveRun(paths, PLAN, is_open=True) as run:
        together = run.look(6.5)
    assert together == looked(folder / "whole.npy", rows, 6.5)


def test_without_a_table_there_is_nothing_to_tell(tmp_path):
    with LiveRun([tmp_path / "calls.npy"], PLAN, is_open=True) as run:
        glance = run.look(-1.0)
    assert (sum(glance.outcomes.values()), glance.in_flight, glance.oldest_s) == (0, 0, None)
    assert glance.recent.response.count == 0


def test_a_rate_is_told_only_of_half_a_second_or_more(folder):
    rows = history()
    assert looked(folder / "early.npy", rows, 0.4).so_far.completed_per_s is None
    assert looked(folder / "later.npy", rows, 0.6).so_far.completed_per_s is not None


@pytest.mark.parametrize("count", [20_000, 200_000])
def test_what_a_look_reads_does_not_grow_with_the_table(tmp_path, monkeypatch, count):
    rows = np.zeros(2 * count, calls.DTYPE)
    rows["intended_ns"] = np.arange(len(rows)) * 1000
    rows["completed_ns"], rows["outcome"][:count] = rows["intended_ns"] + 1, Outcome.COMPLETED
    rows["outcome"][[3, count - 5]] = Outcome.UNFINISHED
    path = tmp_path / "calls.npy"
    calls.write_table(path, rows)
    read, pread = [], os.pread
    with LiveRun([path], PLAN[1:], is_open=True) as run:
        run.look(count / 1e6)
        monkeypatch.setattr(
            follower.os, "pread", lambda *what: read.append(len(pread(*what))) or pread(*what)
        )
        glance = run.look(count / 1e6)
    assert (glance.in_flight, glance.outcomes["completed"]) == (2, count - 2)
    assert sum(read) < 10_000 * calls.ROW_BYTES


@pytest.mark.parametrize(
    ("elapsed_s", "label"),
    [(-2.1, "about to start"), (-2.0, "warm-up"), (0.0, "first"), (6.0, "second"), (10.0, "waiting for the last calls")],
)  # fmt: skip
def test_the_stage_is_that_of_the_moment(elapsed_s, label):
    assert stage_at(PLAN, elapsed_s) == label


def test_calls_beyond_the_plan_are_seen_while_the_plan_still_has_arrivals_to_come(tmp_path):
    path = tmp_path / "calls.npy"
    planned = history()
    calls.write_table(path, at(planned, 3.0))
    with Recorder(path, len(planned)) as recorder, LiveRun([path], PLAN, is_open=True) as run:
        append = recorder.appender()
        before = run.look(3.0)
        rows = [append(0, 0, 2 * NS_PER_S + step, 2 * NS_PER_S + step) for step in range(5)]
        for row in rows[:3]:
            recorder.map[calls.HEADER_BYTES + row * calls.ROW_BYTES] = int(Outcome.FAILED)
        after = run.look(3.0)
    assert after.outcomes["failed"] == before.outcomes["failed"] + 3
    assert after.in_flight == before.in_flight + 2
    assert after.so_far.planned_per_s == before.so_far.planned_per_s == pytest.approx(RATE)
