"""What a report says of a run that somebody's locustfile drove."""

import msgspec
import numpy as np
import pytest

from harness.reading.judging import judge
from harness.reading.summary import load
from harness.run.client_facts import ClientFacts, LoopLag, Paced
from harness.run.directory import RunDirectory
from harness.run.documents import HostFacts, LocustFacts
from harness.table import calls
from harness.table.aside import NO_TIME, Aside
from reports.charts.data import InFlightPlot
from reports.run.view import build
from tests.support.run_builder import make_run
from tests.support.shown import told


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    path = make_run(
        tmp_path_factory.mktemp("run"),
        executor="closed",
        variant="",
        stages=(("2 users", 0.5, 1.0, 1.0), ("8 users", 0.5, 1.0, 1.0)),
    )
    directory = RunDirectory(path)
    rows = np.memmap(directory.calls_path, calls.DTYPE, "r+", calls.HEADER_BYTES)
    rows["aside"][-7:], rows["aside"][-12:-7] = Aside.ON_STOP, Aside.ON_START
    rows.flush()
    client = ClientFacts(
        started=8, loop_lag=LoopLag(beats=900, p99_ns=300_000), paced=Paced(made=40, never_made=9)
    )
    directory.write_facts(msgspec.structs.replace(directory.read_facts(), client=client))
    document = directory.read()
    document.locust = LocustFacts(
        file="locustfile.py", counted={"GET /health": len(rows)}, users=[(-1.0, 0), (-0.5, 2), (5.0, 8)]
    )
    document.host = HostFacts(cpu_share=0.3)
    directory.write(document)
    return build([judge(load(path))])


def test_the_facts_without_which_its_numbers_are_misread_are_said(view):
    facts = dict(view.runs[0].facts)
    assert "coordinated omission" in facts["model"]
    assert facts["pace"].startswith(
        "40 tasks of users with a pace were started, and 9 that were due meanwhile"
    )
    assert facts["client"].startswith("the client itself: 30 % of a core used, its loop 300 µs late at p99")
    assert "on_start (5), on_stop (7)" in facts["left out"]


def test_parts_beside_the_measured_time_stand_among_the_stages(view):
    rows = {row.group or row.label: [cell.text for cell in row.cells] for row in view.stages.rows}
    assert list(rows)[:2] == ["2 users", "8 users"]
    assert rows["on_stop"][:3] == ["left out", "as answered", "7 calls"]
    assert rows["on_start"][:3] == ["left out", "as answered", "5 calls"]


def test_users_alive_are_drawn_over_time(view):
    (plot,) = (chart.plot for chart in view.charts if isinstance(chart.plot, InFlightPlot))
    users = plot.panels[0].users
    assert (users[0], users[-1]) == (2, 8)
    assert set(users.tolist()) == {2.0, 8.0}


def test_the_next_command_repeats_no_scenario(view):
    assert view.next_command.command.startswith(("harness report ", "harness doctor"))


def test_requests_of_which_none_has_a_time_leave_out_the_charts_of_times(tmp_path):
    path = make_run(tmp_path, executor="closed", split=False)
    rows = np.load(path / "timing" / "calls.npy")
    rows["aside"] |= NO_TIME
    calls.write_table(path / "timing" / "calls.npy", rows)
    built, words = told(path)
    assert "percentiles" not in {chart.key for chart in built.charts}
    assert "all" in words
