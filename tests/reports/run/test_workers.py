"""The workers of a run, one beside the other, on the terminal and on the page."""

import re

import msgspec
import pytest

from harness.model import Outcome
from harness.run.directory import RunDirectory
from harness.run.documents import HostFacts, WorkerFacts
from tests.support.run_builder import make_run
from tests.support.shown import markup_of, told

OUTCOMES = dict.fromkeys((outcome.label for outcome in Outcome), 0)
WORKERS = [
    WorkerFacts(
        name="worker-0",
        outcomes=OUTCOMES | {"completed": 1000},
        host=HostFacts(descheduled_share=0.004),
        response_ns={"p50": 1_500_000, "p99": 9_000_000},
    ),
    WorkerFacts(
        name="worker-1",
        outcomes=OUTCOMES | {"completed": 600, "failed": 3, "never_started": 397},
        response_ns={"p50": 2_000_000, "p99": None},
        lost="was killed by SIGKILL",
        undone_share=0.1985,
    ),
]


def shown(parent, workers=WORKERS, **changes):
    """Return the view and the terminal's words of a run of 10 s by these workers."""
    path = make_run(parent, **changes)
    document = RunDirectory(path).read()
    document.workers = workers
    RunDirectory(path).write(document)
    return told(path, width=80)


def texts(row):
    return [cell.text for cell in row.cells]


def test_each_worker_has_its_outcomes_rate_times_and_end(tmp_path):
    # Without a fault of its own, so that nothing is withheld.
    whole = [
        WORKERS[0],
        WorkerFacts(**{name: getattr(WORKERS[1], name) for name in ("name", "outcomes", "response_ns")}),
    ]
    built, words = shown(tmp_path, whole)
    markup = markup_of(built)
    assert built.workers.columns == (
        "completed", "failed", "never started", "rate", "p50", "p99", "descheduled", "ended",
    )  # fmt: skip
    first, second = built.workers.rows
    assert (first.label, second.label) == ("worker-0", "worker-1")
    assert texts(first) == ["1,000", "0", "0", "100/s", "1.5 ms", "9 ms", "0.4 %", "with the plan"]
    assert texts(second) == ["600", "3", "397", "60/s", "2 ms", "–", "–", "with the plan"]
    assert max(map(len, words.splitlines()[:-2])) <= 80
    for row in (first, second):
        assert all(f">{cell}" in markup for cell in texts(row))
        (line,) = [line for line in words.splitlines() if line.startswith(row.label)]
        assert re.split(r"\s{2,}", line) == [row.label, texts(row)[0], *texts(row)[3:]]
    assert 'id="table-workers"' in markup


def test_a_lost_worker_says_how_it_ended_and_an_invalid_run_keeps_its_times_back(tmp_path):
    built, words = shown(tmp_path)
    lost = built.workers.rows[1]
    assert texts(lost)[-1] == "was killed by SIGKILL; 19.9 % of the plan undone"
    assert built.runs[0].level == "invalid"
    assert texts(lost)[4:6] == ["withheld", "withheld"]
    assert "Workers" in words


def test_runs_are_told_apart_and_those_of_one_process_have_no_row(tmp_path):
    several = shown(tmp_path, variant="slow")[0].runs[0].directory
    alone = make_run(tmp_path, variant="fast")
    built, _ = told(tmp_path / several, alone)
    assert [(row.group, row.label) for row in built.workers.rows] == [
        ("slow", "worker-0"),
        ("slow", "worker-1"),
    ]
    built, words = told(alone)
    assert built.workers.rows == ()
    assert "Workers" not in words
    assert "table-workers" not in markup_of(built)


def test_a_run_from_before_times_were_kept_has_dashes(tmp_path):
    old = [WorkerFacts(name="worker-0", outcomes=OUTCOMES | {"completed": 5})]
    built, _ = shown(tmp_path, old)
    assert texts(built.workers.rows[0])[2:4] == ["–", "–"]
    assert built.workers.rows[0].cells[1].value == pytest.approx(0.5)


def test_workers_of_several_machines_have_the_error_of_their_place_in_time(tmp_path):
    far = msgspec.structs.replace(WORKERS[0], name="worker-1", placed_within_ns=20_400_000)
    unknown = msgspec.structs.replace(WORKERS[0], name="worker-2", placed_within_ns=None)
    built, _ = shown(tmp_path, [WORKERS[0], far, unknown])
    assert built.workers.columns[-2:] == ("placed within", "ended")
    assert [row.cells[-2].text for row in built.workers.rows] == ["0 ns", "20.4 ms", "unknown"]
    assert "largest error of a worker's clock" in markup_of(built)
    alone, _ = shown(tmp_path / "one", [WORKERS[0]])
    assert "placed within" not in alone.workers.columns
