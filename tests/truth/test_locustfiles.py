"""Unchanged locustfiles: the table of calls is the journal of the server, one to one."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from harness.model import Outcome
from harness.table.aside import NO_TIME, Aside, is_of
from tests.support.cli import inside, returned
from tests.support.journalled import serving
from tests.support.locust import every_row, free_port
from tests.support.locustfiles import FILES, PLAIN, assert_one_to_one, end_of, locust, sent_rows, start, told
from tests.support.processes import descendants


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path) as found:
        yield found


def outcomes(rows):
    return {
        Outcome(code).label: int(count)
        for code, count in zip(*np.unique(rows["outcome"], return_counts=True), strict=True)
    }


def test_tasks_of_every_kind_are_in_the_table_as_the_server_saw_them(tmp_path, server):
    done = locust(
        tmp_path, "-f", FILES / "tasks.py", "-u", 8, "-r", 8, "-t", "2s", "--stop-timeout", 5, "--host", server.url,
        "--exclude-tags", "never", "--json", "--csv", "own",
    )  # fmt: skip
    assert_one_to_one(done, server.served(), {"/item": "/item", "/about/*": "/renamed"})
    assert {"GET /products/{id}", "GET /item", "GET /renamed", "GET /steps/second", "GET /forum/open"} < set(
        done.counts
    )
    assert "GET /tagged" not in done.counts
    # Locust's own answers are its own, and count the same.
    assert (
        sum(told(done).values())
        == len(returned(done.rows()))
        == sum(done.run.document.locust.counted.values())
    )
    assert (tmp_path / "own_stats.csv").exists()
    rows = every_row(done.run)
    by_part = {aside: int(is_of(rows, aside).sum()) for aside in Aside}
    starts = [part for part in ("POST /login", "GET /forum/open") if part in done.counts]
    assert by_part[Aside.ON_STOP] == done.counts["POST /logout"] > 0
    # A set of tasks may be entered again, which is part of its user's work then.
    assert done.counts["POST /login"] <= by_part[Aside.ON_START] <= sum(done.counts[name] for name in starts)
    for name in ("POST /login", "POST /logout"):
        assert done.run.operations[name].count == 0, "no headline contains it"
    (run,) = json.loads(inside(tmp_path, "report", done.run.directory.path, "--json", "--no-report").stdout)[
        "runs"
    ]
    assert {name: one["requests"] for name, one in run["operations"].items()} == done.counts
    assert {"on_start", "on_stop"} < {stage["label"] for stage in run["stages"]}
    assert run["locust"]["users"][-1][1] <= 8
    assert max(users for _, users in run["locust"]["users"]) == 8
    assert run["client"]["started"] == 8
    assert "GET /products/{id}" in run["remarks"][0]
    assert "coordinated omission" in done.stderr


def test_the_outcome_is_the_script_s_and_the_time_is_the_event_s(tmp_path, server):
    done = locust(
        tmp_path, "-f", FILES / "answers.py", "-u", 3, "-r", 3, "-t", "2s", "--stop-timeout", 5, "--host", server.url,
        "--my-argument", "nothing", "--json",
    )  # fmt: skip
    assert_one_to_one(
        done, server.served(), {"/empty": "judged", "/status/404": "missing", "/status/503": "/fast/bad"}
    )
    for name, outcome in (
        ("GET missing", "completed"),
        ("GET judged", "failed"),
        ("GET /fast/bad", "failed"),
    ):
        sent = sent_rows(done.rows(name))
        assert outcomes(sent) == {outcome: len(sent)}, name
    assert outcomes(done.rows("db helped")) == {"failed": done.counts["db helped"]}
    # The row of an outer request ends with its answer, however late its block and its event end.
    outer, inner = (
        np.sort(returned(done.rows(f"GET /{name}")), order="dispatched_ns") for name in ("outer", "inner")
    )
    assert (outer["completed_ns"][: len(inner)] <= inner["dispatched_ns"][: len(outer)]).all()
    # The script left the block by an exception: Locust counts nothing, and nobody knows the outcome.
    assert outcomes(done.rows("GET /given-up")) == {"unfinished": done.counts["GET /given-up"]}
    client = done.run.facts.client
    assert client.silent == len(sent_rows(done.rows("GET /given-up"))) > 0
    assert {reason.what for reason in done.run.facts.failures} >= {"Got nothing", "ValueError: no row"}
    # Times that nobody measured are counted, and in no percentile.
    for name in ("db no time", "db zero"):
        rows = done.rows(name)
        assert (rows["aside"] & NO_TIME).all()
        assert client.untimed[name] == len(rows) > 0
        assert done.run.operations[name].histograms["service_ns"].count == 0
    assert "db negative" not in done.counts or not done.counts["db negative"]
    (refused,) = client.refused.items()
    assert refused[0] == "its response_time is negative or not a number"
    measured = returned(done.rows("db measured"))
    assert (measured["completed_ns"] - measured["entered_ns"] >= 2_000_000).all()
    # What a task does before its first call is the script's own time: only waking late is a delay.
    napped = returned(done.rows("db after a nap"))
    assert np.median(napped["dispatched_ns"] - napped["intended_ns"]) < 40_000_000
    counted = told(done)
    assert counted["GET", "judged"] == len(sent_rows(done.rows("GET judged")))
    assert sum(counted.values()) - refused[1] == len(returned(done.rows()))
    assert any("events of the script could not be recorded" in reason for reason in done.reasons)


def test_lost_users_are_counted_and_the_exit_code_of_the_file_stands(tmp_path, server):
    done = locust(
        tmp_path,
        "-f",
        FILES / "losing.py",
        "-u",
        5,
        "-r",
        10,
        "-t",
        "2s",
        "--stop-timeout",
        5,
        "--host",
        server.url,
    )
    assert done.code == 17
    assert_one_to_one(done, server.served())
    assert done.counts["GET /few"] == 5
    assert is_of(done.rows("GET /satisfied"), Aside.ON_STOP).all()
    assert is_of(done.rows("GET /start"), Aside.ON_START).all()
    client = done.run.facts.client
    assert client.started == 5
    assert client.lost == {
        "on_start raised ValueError": 2,
        "ended by StopUser": 1,
        "on_stop raised KeyError": 1,
    }
    assert is_of(done.rows("GET /gave-up"), Aside.ON_STOP).all()
    assert any("4 of 5 users were lost" in reason for reason in done.reasons)


def test_the_steps_of_a_shape_are_stages_and_what_is_killed_is_unfinished(tmp_path, server):
    done = locust(tmp_path, "-f", FILES / "shape.py", "--host", server.url)
    labels = [span.label for span in done.run.document.plan.spans if not span.warmup]
    assert labels == ["2 users of Readers", "5 users of Writers"]
    assert done.counts["POST /write"] > 0
    hanging = done.rows("GET /slow/{id}")
    assert outcomes(hanging) == {"unfinished": len(hanging)}, "Locust's own statistics have none of them"
    assert 1 <= len(hanging) <= 5
    by_operation = {"GET /read": 0, "POST /write": 0}
    for one in server.served():
        by_operation[f"{one.method} {one.path}"] += 1
    for name, count in by_operation.items():
        assert len(returned(done.rows(name))) <= count <= done.counts[name]


def test_a_pace_has_a_plan_that_lag_and_tasks_never_made_are_counted_against(tmp_path, server):
    # By another tool, with one line in the file.
    (tmp_path / "mine.py").write_text(f"import harness.locust\n{(FILES / 'pace.py').read_text()}")
    words = ("-f", "mine.py", "-u", 2, "-r", 2, "-t", "2s", "--stop-timeout", 5, "--host", server.url)
    done = end_of(start(tmp_path, *words, program=PLAIN), tmp_path)
    assert_one_to_one(done, server.served())
    rows = returned(done.run.table)
    service_ns, response_ns = (rows["completed_ns"] - rows[name] for name in ("entered_ns", "intended_ns"))
    later = response_ns[2:]
    # A task takes over 50 ms and was due 20 ms after the last: the user was 30 ms late, and the next two were never made.
    assert (later >= service_ns[2:] + 29_000_000).all()
    paced = done.run.facts.client.paced
    assert paced.made >= len(rows) - 4
    assert paced.never_made >= paced.made - 2
    assert "were never made" in done.stdout


@pytest.mark.parametrize("dies", [False, pytest.param(True, marks=pytest.mark.proof)])
def test_processes_on_one_host_are_one_run_also_if_one_is_killed(tmp_path, server, dies):
    # Other tests have a master too.
    port = free_port()
    words = (
        "-f", FILES / "tasks.py", "-u", 6, "-r", 6, "--processes", 2, "--host", server.url, "--stop-timeout", 5,
        "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port,
    )  # fmt: skip
    process = start(tmp_path, *words, *(() if dies else ("-t", "4s")))
    if dies:
        tables = tmp_path.glob("runs/*/timing/worker-*/calls.npy")
        deadline_s = time.monotonic() + 60
        while (
            len([one for one in tables if one.stat().st_size > 100_000]) < 2 and time.monotonic() < deadline_s
        ):
            time.sleep(0.1)
            tables = tmp_path.glob("runs/*/timing/worker-*/calls.npy")
        os.kill(max(descendants(process.pid)), signal.SIGKILL)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
    done = end_of(process, tmp_path)
    assert [worker.name for worker in done.run.document.workers] == ["worker-0", "worker-1"]
    lost = [worker.lost for worker in done.run.document.workers if worker.lost]
    if dies:
        assert len(lost) == 1
        assert done.code == 5
        return
    assert not lost
    assert_one_to_one(done, server.served(), {"/item": "/item", "/about/*": "/renamed", "/tagged": "/tagged"})
    assert done.run.facts.client.started == 6


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("import nothing_like_it\n", 2, "The locustfile cannot be imported: ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("x = 1\n", 1, "No User class found!"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(tmp_path, text, code, sentence):
    (tmp_path / "locustfile.py").write_text(text)
    done = locust(tmp_path, "-t", "1s", "--host", "http://127.0.0.1:1")
    assert (done.code, done.run) == (code, None)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_limit_that_is_broken_is_the_exit_code_unless_the_run_is_invalid(tmp_path, server):
    (tmp_path / "pyproject.toml").write_text("[tool.harness.validity]\n")
    (tmp_path / "locustfile.py").write_text((FILES / "pace.py").read_text())
    done = locust(
        tmp_path, "-u", 1, "-t", "1s", "--stop-timeout", 5, "--host", server.url, "--slo", "p50<1ms"
    )
    assert done.code == (5 if "is invalid" in done.stderr else 3)
    assert Path(done.run.directory.path / "run.json").exists()
    assert done.run.document.slos == ["p50<1ms"]
    (tmp_path / "again").mkdir()
    refused = locust(tmp_path / "again", "-f", FILES / "pace.py", "--slo", "p50>1ms")
    assert refused.code == 2
    assert "requires more p50 instead of less" in refused.stderr


def test_a_table_that_is_full_ends_the_test_with_a_sentence(tmp_path):
    (tmp_path / "locustfile.py").write_text(
        "from harness.table import calls\ncalls.MAX_ROWS = 16_384\n"
        "from locust import User, constant, task\n"
        "class Flood(User):\n    wait_time = constant(0)\n    @task\n    def many(self):\n"
        "        for _ in range(500):\n"
        "            self.environment.events.request.fire(request_type='x', name='y', response_time=1.0, response_length=0)\n"
    )
    done = locust(tmp_path, "-t", "60s")
    assert done.code == 1
    assert "The run was ended at 16,384 calls (the limit)" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.rows()) == 16_384
    assert any("was ended at 16,384 calls" in trouble for trouble in done.run.trouble)
