"""The recorder: each row says what became of its call, also when the process or the disk ends."""

import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.model import Outcome
from harness.table import calls, recorder
from harness.table.recorder import FILL, FILL_BASE, Recorder

COLUMNS = list(calls.DTYPE.names)


def planned(path, count):
    table = np.zeros(count, calls.DTYPE)
    table["intended_ns"] = np.arange(count) * 1000
    table["operation"] = np.arange(count) % 3
    table["payload"] = np.arange(count)
    table["run_ns"] = table["wait_busy_ns"] = -1
    calls.write_table(path, table)
    return table


def fill(kept, row, outcome, *times):
    FILL.pack_into(kept.map, FILL_BASE + row * calls.ROW_BYTES, *times)
    kept.map[calls.HEADER_BYTES + row * calls.ROW_BYTES] = outcome


def run_child(script, *arguments, **options):
    """Run Python text in a process of its own and return it, ended."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def test_each_row_says_what_became_of_its_call(tmp_path):
    path = tmp_path / "calls.npy"
    before = planned(path, 4)
    with Recorder(path, 4) as kept:
        kept.claim(0, 0, 0, 0, 50)
        kept.drop(1, 1, 1, 1000, 1060, 40, 7)
        kept.claim(2, 2, 2, 2000, 2070)
        fill(kept, 2, Outcome.FAILED, 2080, 2090, 6, 4, 60, 10)
    after = calls.load(path)
    assert [Outcome(code).label for code in after["outcome"]] == [
        "unfinished",
        "dropped",
        "failed",
        "never_started",
    ]
    assert after[2].item() == (Outcome.FAILED, 0, 2, 2, 2000, 2070, 2080, 2090, 6, 4, 60, 10, 0)
    assert after[1].item() == (Outcome.DROPPED, 0, 1, 1, 1000, 1060, 0, 0, *before[1].item()[8:10], 40, 7, 0)
    assert after["dispatched_ns"].tolist() == [50, 1060, 2070, 0]
    assert after[3] == before[3]


def test_claiming_a_row_touches_nothing_but_its_beginning(tmp_path):
    path = tmp_path / "calls.npy"
    before = planned(path, 3)
    with Recorder(path, 3) as kept:
        kept.claim(1, 1, 1, 1000, 1234)
    after = calls.load(path)
    assert np.array_equal(after[[0, 2]], before[[0, 2]])
    untouched = COLUMNS[COLUMNS.index("entered_ns") :]
    assert after[1][untouched] == before[1][untouched]
    assert after[1]["intended_ns"] == before[1]["intended_ns"]


def test_rows_are_there_for_other_processes_before_the_recorder_is_closed(tmp_path):
    path = tmp_path / "calls.npy"
    planned(path, 2)
    with Recorder(path, 2) as kept:
        kept.claim(0, 0, 0, 0, 5)
        assert calls.load(path)["outcome"].tolist() == [Outcome.UNFINISHED, Outcome.NEVER_STARTED]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 2**32 - 1)), max_size=50), st.data())
def test_appended_rows_come_back_in_order(tmp_path_factory, rows, data):
    path = tmp_path_factory.mktemp("calls") / "calls.npy"
    finished = data.draw(st.sets(st.integers(0, max(len(rows) - 1, 0)))) if rows else set()
    with Recorder(path, 0) as kept:
        append = kept.appender()
        for number, (operation, payload) in enumerate(rows):
            assert append(operation, payload, number, number + 1) == number
            if number in finished:
                fill(kept, number, Outcome.COMPLETED, *range(number + 2, number + 8))
    table = calls.load(path)
    assert [(row["operation"], row["payload"]) for row in table] == rows
    assert set(np.flatnonzero(table["outcome"] == Outcome.COMPLETED).tolist()) == finished
    assert table["intended_ns"].tolist() == list(range(len(rows)))


def test_appending_goes_on_beyond_the_first_reserve(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "_GROWTH_ROWS", 8)
    path = tmp_path / "calls.npy"
    with Recorder(path, 0) as kept:
        append = kept.appender()
        for number in range(100):
            row = append(number % 3, number, number * 10, number * 10 + 1)
            fill(kept, row, Outcome.COMPLETED, *[number] * 6)
    calls.seal(path)
    table = np.load(path)
    assert table["payload"].tolist() == list(range(100))
    assert set(table["outcome"].tolist()) == {Outcome.COMPLETED}


def test_the_real_reserve_is_left_and_sealed_off(tmp_path):
    path = tmp_path / "calls.npy"
    count = 70_000
    with Recorder(path, 0) as kept:
        append = kept.appender()
        for number in range(count):
            append(0, number, number, number)
    assert path.stat().st_size > calls.HEADER_BYTES + count * calls.ROW_BYTES
    calls.seal(path)
    assert np.array_equal(np.load(path)["payload"], np.arange(count))


def test_a_run_that_never_called_leaves_an_empty_table(tmp_path):
    path = tmp_path / "calls.npy"
    Recorder(path, 0).close()
    assert len(calls.load(path)) == 0
    calls.seal(path)
    assert len(np.load(path)) == 0


def test_a_table_that_is_full_ends_the_run_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "_GROWTH_ROWS", 4)
    monkeypatch.setattr(calls, "MAX_ROWS", 8)
    path = tmp_path / "calls.npy"
    with Recorder(path, 0) as kept:
        append = kept.appender()
        for number in range(8):
            append(0, number, 0, 0)
        with pytest.raises(HarnessError, match=r"ended at 8 calls.*--duration"):
            append(0, 8, 0, 0)
    assert calls.load(path)["payload"].tolist() == list(range(8))


# Makes calls whose columns follow from their row, as the load engine makes them; says when it has begun, never ends.
ENDLESS = """
    import itertools
    import sys
    from pathlib import Path
    from harness.table import calls, recorder
    from harness.load.calling import Calling, Work, make_caller
    from harness.load.owner import Owner
    recorder._GROWTH_ROWS = 512
    with recorder.Recorder(Path(sys.argv[1]), int(sys.argv[2])) as kept:
        number, append, row = 0, kept.appender(), 0
        times = itertools.count()
        def now_ns():
            # Times follow from the row: 2 more than ten times it when a call is entered, 3 more when it returns.
            return row * 10 + 2 + next(times) % 2
        # Known answers are not looked at: a look reads the clock once more.
        work = Work(["call"] * 7, [lambda event: None] * 7, [[None]] * 7, now_ns, passed={type(None)})
        make = make_caller(Calling(work, kept, 0, None, {None: Owner()}))
        while True:
            if int(sys.argv[2]):
                row = number % int(sys.argv[2])
                kept.claim(row, row % 7, row, row * 10, row * 10 + 1)
            else:
                row = append(number % 7, number, number * 10, number * 10 + 1)
            make(None, row, row % 7, 0, row * 10 + 6, row * 10 + 7)
            number += 1
            if number == 3000:
                print("begun", flush=True)
"""


def killed_in_the_middle(path, planned_rows):
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(ENDLESS), str(path), str(planned_rows)], stdout=subprocess.PIPE
    ) as child:
        try:
            assert child.stdout.readline() == b"begun\n"
        finally:
            child.kill()
    assert child.returncode == -signal.SIGKILL


def assert_whole(rows):
    number = np.flatnonzero(rows["outcome"] == Outcome.COMPLETED)
    for column, name in enumerate(COLUMNS[COLUMNS.index("intended_ns") : COLUMNS.index("first_byte_ns")]):
        expected = np.full(len(number), -1) if name in {"run_ns", "wait_busy_ns"} else number * 10 + column
        assert np.array_equal(rows[name][number], expected)
    assert np.array_equal(rows["operation"][number], number % 7)


def test_a_closed_run_killed_in_the_middle_of_writing_leaves_every_row_but_the_last_whole(tmp_path):
    path = tmp_path / "calls.npy"
    killed_in_the_middle(path, 0)
    table = calls.load(path)
    assert len(table) >= 3000
    assert set(table["outcome"][:-1].tolist()) == {Outcome.COMPLETED}
    assert table["outcome"][-1] in {Outcome.COMPLETED, Outcome.UNFINISHED}
    assert_whole(table)


def test_an_open_run_killed_in_the_middle_of_writing_keeps_its_plan(tmp_path):
    path = tmp_path / "calls.npy"
    planned(path, 5000)
    killed_in_the_middle(path, 5000)
    table = calls.load(path)
    assert len(table) == len(np.load(path)) == 5000
    assert set(table["outcome"].tolist()) <= {
        Outcome.COMPLETED,
        Outcome.UNFINISHED,
        Outcome.NEVER_STARTED,
    }
    assert (table["outcome"] == Outcome.UNFINISHED).sum() <= 1
    assert_whole(table)


# A file size limit stands for a disk that is full.
NO_ROOM = """
    import resource, sys
    sys.dont_write_bytecode = True
    from pathlib import Path
    import numpy as np
    from harness.table import calls, recorder
    from harness.errors import HarnessError
    recorder._GROWTH_ROWS = 100
    path, what = Path(sys.argv[1]), sys.argv[2]
    limit = calls.HEADER_BYTES + 250 * calls.ROW_BYTES
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        if what == "plan":
            calls.write_table(path, np.zeros(1000, calls.DTYPE))
        with recorder.Recorder(path, 0) as kept:
            append = kept.appender()
            for number in range(1000):
                append(0, number, number, number)
    except HarnessError as error:
        print(error)
"""


def test_a_plan_without_room_is_refused_with_a_sentence(tmp_path):
    done = run_child(NO_ROOM, tmp_path / "calls.npy", "plan")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No room for 1,000 calls (0 MiB): File too large. Free some disk")


def test_a_disk_that_fills_up_ends_the_run_and_keeps_its_rows(tmp_path):
    path = tmp_path / "calls.npy"
    done = run_child(NO_ROOM, path, "append")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No room for 300 calls (0 MiB): File too large. Free some disk")
    assert calls.load(path)["payload"].tolist() == list(range(200))
    calls.seal(path)
    assert len(np.load(path)) == 200


def test_a_disk_without_room_from_the_start_is_said_at_once(tmp_path):
    script = NO_ROOM.replace("250 * calls.ROW_BYTES", "0")
    done = run_child(script, tmp_path / "calls.npy", "append")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No room for 100 calls")


def test_giving_pages_back_loses_nothing_that_was_written(tmp_path):
    path = tmp_path / "calls.npy"
    planned(path, 5000)
    with Recorder(path, 5000) as kept:
        for row in range(0, 5000, 2):
            kept.claim(row, 1, row, row * 1000, row * 1000 + 5)
            if row % 100 == 0:
                kept.give_back()
            fill(kept, row, Outcome.COMPLETED, *[row] * 6)
        kept.give_back()
        assert calls.load(path)["completed_ns"][4998] == 4998
    table = np.load(path)
    assert (table["outcome"][::2] == Outcome.COMPLETED).all()
    assert (table["outcome"][1::2] == Outcome.NEVER_STARTED).all()
    assert table["run_ns"][::2].tolist() == list(range(0, 5000, 2))


RESIDENT = """
    import sys
    from pathlib import Path
    from harness.table.recorder import FILL, FILL_BASE, Recorder
    from harness.table import calls

    def resident_kib():
        lines = Path("/proc/self/status").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssFile", "RssShmem")))

    rows = int(sys.argv[2])
    with Recorder(Path(sys.argv[1]), 0) as kept:
        append = kept.appender()
        before, most = resident_kib(), 0
        for number in range(rows):
            row = append(0, number, number, number)
            FILL.pack_into(kept.map, FILL_BASE + row * calls.ROW_BYTES, *[number] * 6)
            if number % 10_000 == 0:
                most = max(most, resident_kib())
    print(most - before)
"""


def test_the_memory_of_the_measured_process_does_not_follow_its_calls(tmp_path):
    few, many = (int(run_child(RESIDENT, tmp_path / "calls.npy", rows).stdout) for rows in (100_000, 500_000))
    # Half a million rows are 35 MiB; what is mapped at once is one growth of the table.
    assert many < few + 4 * 1024
