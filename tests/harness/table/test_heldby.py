"""Who held the loop: a small table in a file that survives its process, and what a damaged one is taken for."""

import io

import numpy as np
import pytest

from harness.errors import InvalidRunError
from harness.reading.judging import judge
from harness.reading.run_json import as_json
from harness.reading.summary import load as load_run
from harness.table.heldby import BACKGROUND, DRIVER, GARBAGE, NAMES, PACER, SPECIAL, HeldBy, load, named
from reports.run.heldby import held_by_table
from reports.run.sides import sides_of
from tests.support.run_builder import make_run

TWO = {"GET /a": 3.0, "POST /b": 1.0}


def test_what_was_added_is_there_for_other_processes_before_the_table_is_closed(tmp_path):
    path = tmp_path / "heldby.npy"
    cells = HeldBy(path, 2)
    held_ns = [0] * (2 + SPECIAL)
    for place, holder in enumerate((0, 1, DRIVER, PACER, GARBAGE, BACKGROUND)):
        held_ns[holder] = 10**place
    cells.add(1, held_ns)
    cells.add(1, held_ns)
    found = load(path, 2)
    cells.close()
    assert found.tolist() == [[0] * 6, [2, 20, 200, 2_000, 20_000, 200_000]]
    assert np.array_equal(load(path, 2), found)


def test_each_column_has_its_name(tmp_path):
    matrix = np.arange(12).reshape(2, 6)
    assert named(matrix, ["driver", "b"])["driver"] == {
        "operations": {"driver": 0, "b": 1},
        "driver": 2,
        "pacer": 3,
        "garbage_collection": 4,
        "other_greenlets": 5,
    }
    assert len(NAMES) + 1 == SPECIAL


def test_a_run_without_the_split_has_no_table(tmp_path):
    assert load(tmp_path / "heldby.npy", 2) is None
    assert as_json(judge(load_run(make_run(tmp_path, split=False))))["held_by"] is None


def encoded(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        encoded(np.zeros((2, 7), np.int64))[:-8],
        encoded(np.zeros((2, 6), np.int64)),
        encoded(np.zeros((2, 7))),
        encoded(np.array([{"not": "numbers"}], object)),
    ],
)
def test_a_damaged_table_is_said_to_be_one(tmp_path, content):
    path = tmp_path / "heldby.npy"
    path.write_bytes(content)
    with pytest.raises(InvalidRunError, match="what blocked the event loop is damaged"):
        load(path, 2)


def test_the_rows_of_the_report_add_up_to_the_waiting_of_their_operation(tmp_path):
    (side,) = sides_of([judge(load_run(make_run(tmp_path, operations=TWO, warmup_s=1.0)))])
    table = held_by_table(side, "held")
    assert sorted(table.columns) == ["GET /a", "driver", "event loop blocked"]
    assert [row.label for row in table.rows] == list(TWO)
    for row in table.rows:
        whole, *parts = (cell.value for cell in row.cells)
        assert whole == pytest.approx(side.mean_ns("wait_busy_ns", row.label))
        assert sum(parts) == pytest.approx(whole)


def test_the_smaller_holders_share_a_column_where_there_is_no_room(tmp_path):
    (side,) = sides_of([judge(load_run(make_run(tmp_path, operations=TWO)))])
    table = held_by_table(side, "held", most=1)
    assert table.columns[2:] == ("the rest",)
    for row in table.rows:
        assert row.cells[1].value + row.cells[2].value == pytest.approx(row.cells[0].value)


def test_an_invalid_run_shows_no_waiting(tmp_path):
    (side,) = sides_of([judge(load_run(make_run(tmp_path, descheduled_share=0.9)))])
    assert side.withheld
    assert held_by_table(side, "held").rows == ()
