"""Calls counted by stretch of time, on tables made by hand."""

import numpy as np
import pytest

from harness.model import Outcome
from harness.policy.slo import STRETCHES, parse
from harness.reading.counting import ALL, count_clause
from harness.reading.summary import load
from harness.table import calls
from tests.support.run_builder import make_run

MS = 1_000_000
(P99,) = parse("p99<5ms")


def made(tmp_path, change, **changes):
    path = make_run(
        tmp_path, operations={"read": 1.0}, rate_per_s=100.0, duration_s=4.0, warmup_s=0.0, **changes
    )
    file = path / "timing" / "calls.npy"
    table = np.array(calls.load(file))
    table["completed_ns"] = table["intended_ns"] + MS
    change(table)
    calls.write_table(file, table)
    return load(path)


def columns(run, clause=P99, stage=None):
    count = count_clause(run, clause, ALL, stage)
    assert len(count.stretches) == STRETCHES
    slowest = max((step for part in count.stretches for step in part.slow), default=0)
    shown = [(part.calls, part.exceeding, part.slow.get(slowest, 0)) for part in count.stretches]
    return [list(values) for values in zip(*shown, strict=True)]


def test_calls_are_counted_in_the_stretch_of_their_intended_start(tmp_path):
    def change(rows):
        rows["completed_ns"][40:43] += 9 * MS
        rows["completed_ns"][399] += 3 * MS

    counted, exceeding, slowest = columns(made(tmp_path, change))
    assert counted == [20] * STRETCHES
    assert exceeding == [0, 0, 3, *[0] * 17]
    assert slowest == exceeding


def test_what_never_completed_is_slower_than_anything(tmp_path):
    def change(rows):
        rows["outcome"][100:110] = Outcome.FAILED

    _, exceeding, slowest = columns(made(tmp_path, change))
    assert exceeding == slowest == [*[0] * 5, 10, *[0] * 14]


def test_calls_that_all_take_the_same_are_all_the_slowest(tmp_path):
    _, exceeding, slowest = columns(made(tmp_path, lambda rows: None))
    assert (exceeding, slowest) == ([0] * STRETCHES, [20] * STRETCHES)


def test_a_clause_without_a_time_has_no_slowest(tmp_path):
    (errors,) = parse("errors<1%")
    _, _, slowest = columns(made(tmp_path, lambda rows: None), errors)
    assert slowest == [0] * STRETCHES


@pytest.mark.parametrize("label", ["low", "again"])
def test_a_stage_is_divided_by_its_own_time_also_where_it_comes_twice(tmp_path, label):
    stages = (
        ("low", 1.0, 1.0, 1.0),
        ("again", 1.0, 1.0, 1.0),
        ("high", 1.0, 2.0, 2.0),
        ("again", 1.0, 1.0, 1.0),
    )
    counted, _, _ = columns(made(tmp_path, lambda rows: None, stages=stages), stage=label)
    assert counted == [5 if label == "low" else 10] * STRETCHES


def test_calls_after_an_early_end_belong_to_the_last_stretch(tmp_path):
    counted, _, _ = columns(made(tmp_path, lambda rows: None, ended_s=2.0))
    assert counted == [10] * 19 + [210]
