"""What a report says of a run that asked a server by its URL."""

import json

import msgspec
import numpy as np
import pytest

from harness.reading.judging import judge
from harness.reading.run_json import as_json
from harness.reading.summary import load
from harness.run.directory import RunDirectory
from harness.table import calls
from reports.run.view import build
from tests.support.run_builder import make_run

CEILING = {"HTTP client": {"ceiling_per_s": 210.0, "achieved_per_s": 200.0, "what": "requests", "is_client": True}}  # fmt: skip


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    path = make_run(tmp_path_factory.mktemp("run"), variant="", target="http://127.0.0.1:8000", backends=CEILING)  # fmt: skip
    directory = RunDirectory(path)
    rows = np.memmap(directory.calls_path, calls.DTYPE, "r+", calls.HEADER_BYTES)
    rows["first_byte_ns"] = (rows["completed_ns"] - rows["entered_ns"]) // 2
    rows.flush()
    counters = {"GET /health": {"connections": 3, "redirects": 4}}
    directory.write_facts(msgspec.structs.replace(directory.read_facts(), is_remote=True, counters=counters))
    return judge(load(path))


@pytest.fixture(scope="module")
def view(judged):
    return build([judged])


def test_the_time_to_the_first_byte_stands_beside_service(judged, view):
    figures = {row.label: row.cells[0] for row in view.comparison.rows}
    assert figures["First byte p50"].value == pytest.approx(figures["Service p50"].value / 2, rel=0.02)
    (api, *_) = view.heads
    assert [row.label for row in api.table.rows][3:5] == ["Service p50", "First byte p50"]
    times = [row.group or row.label for row in view.operations[0].table.rows]
    assert times[-1] == "time to first byte"
    document = json.loads(json.dumps(as_json(judged)))
    assert document["backends"] == CEILING
    for operation in document["operations"].values():
        assert operation["first_byte_ns"]["p50"] == pytest.approx(operation["service_ns"]["p50"] / 2, rel=0.02)  # fmt: skip


def test_what_is_the_clients_is_said_to_be(view):
    facts = dict(view.runs[0].facts)
    assert facts["server"].startswith(
        "the target is another process: executing and event loop blocked are the load"
    )
    assert facts["redirects"] == "redirects that were not followed: 4 to GET /health"
    (row,) = view.backends.rows
    assert "saturated: latencies measure the load generator" in [cell.text for cell in row.cells]
    assert any("close to its own ceiling" in reason for reason in view.runs[0].reasons)


def test_no_profile_is_offered_that_would_be_refused(view):
    assert "--profile" not in " ".join(view.profile_notes)
    assert "--profile" not in view.next_command.command


def test_other_runs_have_no_first_byte(tmp_path):
    view = build([judge(load(make_run(tmp_path)))])
    assert "First byte p50" not in [row.label for row in view.comparison.rows]
    assert "server" not in dict(view.runs[0].facts)
