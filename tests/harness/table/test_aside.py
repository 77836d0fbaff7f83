"""Calls beside the measured time, and calls without a time."""

import numpy as np

from harness.model import Outcome
from harness.table import calls
from harness.table.aside import NO_TIME, Aside, has_time, is_measured, is_of
from harness.table.latency import latencies
from harness.table.moving import move, move_returns


def rows(*pairs):
    table = np.zeros(len(pairs), calls.DTYPE)
    table["intended_ns"] = [intended for intended, _ in pairs]
    table["aside"] = [aside for _, aside in pairs]
    table["outcome"] = Outcome.COMPLETED
    return table


def test_only_calls_of_tasks_from_zero_on_are_measured_with_or_without_a_time():
    table = rows(
        (-1, 0), (0, 0), (5, NO_TIME), (5, Aside.ON_START), (5, Aside.ON_STOP | NO_TIME), (5, Aside.RAMP_UP)
    )
    assert is_measured(table).tolist() == [False, True, True, False, False, False]
    assert is_of(table, Aside.ON_STOP).tolist() == [False, False, False, False, True, False]
    assert has_time(table).tolist() == [True, True, False, True, False, True]


def test_a_call_without_a_time_is_in_no_latency():
    table = rows((0, 0), (0, NO_TIME))
    table["completed_ns"] = 7
    assert latencies(table)["response_ns"].tolist() == [7, -1]
    assert latencies(table)["run_ns"].tolist() == [0, -1]


def test_moving_time_zero_moves_all_times_that_a_call_has():
    table = rows((10, 0), (20, 0))
    table["outcome"][1] = Outcome.UNFINISHED
    for name in ("dispatched_ns", "entered_ns", "completed_ns"):
        table[name] = 30
    move(table, -5)
    assert table["intended_ns"].tolist() == [5, 15]
    assert table["dispatched_ns"].tolist() == [25, 25]
    assert table["completed_ns"].tolist() == [25, 30], "one has not returned"
    move_returns(table, 1)
    assert table["entered_ns"].tolist() == [26, 30]


def test_every_part_has_a_name():
    assert [aside.label for aside in Aside] == ["ramp-up", "on_start", "on_stop", "after the end", "ramp-up"]
