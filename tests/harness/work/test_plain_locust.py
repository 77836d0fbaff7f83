"""Plain Locust leaves a run besides its own statistics: alone, and from its web UI."""

import json
import re
import signal
import urllib.parse
import urllib.request

import pytest

from harness.model import Outcome
from harness.reading.judging import judge
from harness.reading.summary import load
from harness.table import calls
from tests.support.cli import returned
from tests.support.locust import (
    ALL_FAIL,
    IS_INVALID,
    LOCUSTFILE,
    PATIENCE_S,
    Crew,
    check_that_the_waits_add_up,
    counts_of,
    every_row,
    free_port,
)


def test_one_process_alone_leaves_a_run_whose_count_is_locusts_and_an_invalid_run_is_the_exit_code(tmp_path):
    # No run is as punctual as this asks for.
    (tmp_path / "pyproject.toml").write_text("[tool.harness.validity]\nlag-ms = [0, 0]\n")
    with Crew(tmp_path, HARNESS_TARGET="known:failing?every=4") as crew:
        words = ("--headless", "-u", "2", "-r", "1", "-t", "3s", "--json", "--exit-code-on-error", "7")
        ended = crew.end_of(crew.start(*words))
        (directory,) = crew.runs()
        run = load(directory)
    assert ended.code == 5, "before Locust's own, where requests failed"
    assert re.search(r"^harness: The run in runs/\S+ is invalid:\nharness:  - ", ended.log, re.MULTILINE)
    assert run.trouble == ()
    assert ended.counted == counts_of(run) == run.document.locust.counted
    # The second came a second later.
    assert run.document.plan.users == 2
    rows = every_row(run)
    failed = int((rows["outcome"] == Outcome.FAILED).sum())
    assert failed == pytest.approx(len(rows) / 4, abs=1)
    (row,) = json.loads(ended.stdout)
    assert (row["name"], row["num_failures"]) == ("call", failed)
    # The ramp-up, of a second, is in no headline.
    assert 0.9 < run.document.plan.warmup_s < 30
    assert len(run.warmup) > 0
    assert len(returned(run.table)) == run.total.count
    # It holds the loop from its beginning to its end.
    assert "no call waited" in run.document.profiles.wait.reason
    assert not any("Locust counted" in reason for reason in judge(run).validity.reasons)


def test_requests_of_other_users_in_the_same_locust_are_recorded_beside_the_target_s_calls(tmp_path):
    (tmp_path / "own.py").write_text(
        "import time\nfrom locust import User, constant, task\n"
        "class Db(User):\n    wait_time = constant(0.02)\n    fixed_count = 1\n"
        "    @task\n    def query(self):\n"
        "        time.sleep(0.003)\n"
        "        self.environment.events.request.fire(request_type='db', name='query', response_time=3.0, response_length=0)\n"
    )
    with Crew(tmp_path, HARNESS_TARGET="known:constant?service_ms=5") as crew:
        words = (
            "-f",
            f"{LOCUSTFILE},{tmp_path / 'own.py'}",
            "--headless",
            "-u",
            "3",
            "-r",
            "3",
            "-t",
            "2s",
            "--json",
        )
        ended = crew.end_of(crew.start(*words))
        (directory,) = crew.runs()
        run = load(directory)
    assert list(run.operations) == ["call", "db query"]
    counts = counts_of(run)
    assert counts["call"] > 20
    assert counts["db query"] > 10
    assert ended.counted == {"call": counts["call"], "query": counts["db query"]}
    assert run.document.locust.counted == counts
    # The split is of the target's calls; nothing is known of what held the loop for others.
    assert run.held_by.shape == (2, 6)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_test_that_is_stopped_with_locust_itself_is_judged_before_the_exit_code_is_settled(tmp_path, end):
    """With a web UI that started the test by itself, and again where somebody's file sets a code of 0 at the end."""
    (tmp_path / "own.py").write_text(
        "import locust\n@locust.events.quitting.add_listener\n"
        "def no_fault(environment, **_):\n    environment.process_exit_code = 0\n"
    )
    port = free_port()
    with Crew(tmp_path, HARNESS_TARGET=ALL_FAIL) as crew:
        words = (
            "--autostart",
            "-u",
            "1",
            "--web-host",
            "127.0.0.1",
            "--web-port",
            port,
            "--exit-code-on-error",
            "0",
        )
        locust = crew.start(*words, "-f", f"{LOCUSTFILE},{tmp_path / 'own.py'}")
        crew.until(lambda: any(rows > 20 for rows in crew.called().values()))
        locust.send_signal(end)
        ended = crew.end_of(locust)
    assert ended.code == 5
    assert IS_INVALID.search(ended.log)


def test_a_process_that_is_killed_leaves_a_run_that_says_so_and_claims_no_shorter_time(tmp_path):
    with Crew(tmp_path, HARNESS_TARGET="known:constant?service_ms=5") as crew:
        process = crew.start("--headless", "-u", "2", "-r", "2")
        crew.until(lambda: any(rows > 50 for rows in crew.called().values()))
        process.kill()
        process.wait()
        (directory,) = crew.runs()
        run = load(directory)
    assert "The run was cut off: it has no end in run.json" in run.trouble
    assert run.total.outcomes["unfinished"] <= 2
    assert "wrote none before its end" in run.document.profiles.wait.reason
    # From its last stamp, since nothing else is known of its end.
    last_s = max(run.table["completed_ns"].max(), run.table["dispatched_ns"].max()) / 1e9
    assert run.measured_s == pytest.approx(last_s)


def test_an_invalid_run_is_an_exit_code_and_where_another_tool_has_the_switch_hook_it_says_why_nobody_saw_who_waits(
    tmp_path,
):
    """Its reasons stand on stderr, wherever the log goes."""
    (tmp_path / "traced.py").write_text(
        "import greenlet, time\ngreenlet.settrace(lambda *_: None)\n"
        "class Nap:\n    def call(self, event):\n        time.sleep(0.005)\n"
        "    def outcome(self, result):\n        return 'failed'\ndef create():\n    return Nap()\n"
    )
    with Crew(tmp_path, HARNESS_TARGET="traced.py:create") as crew:
        words = ("--headless", "-u", "1", "-t", "2s", "--exit-code-on-error", "0", "--logfile", "away.log")
        ended = crew.end_of(crew.start(*words))
        (directory,) = crew.runs()
    assert ended.code == 5
    assert IS_INVALID.search(ended.log)
    profile = load(directory).document.profiles.wait
    assert "another tool of the process has taken its hook" in profile.reason
    assert profile.file is None


def test_every_test_that_the_web_ui_starts_is_a_run_of_its_own(tmp_path):
    port = free_port()

    def ask(path, **form):
        data = urllib.parse.urlencode(form).encode() if form else None
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def has_called(users):
        return len(crew.runs()) == users and all(
            len(calls.load(one / "timing" / "calls.npy")) > 20 for one in crew.runs()
        )

    with Crew(tmp_path, HARNESS_TARGET="known:constant?service_ms=5") as crew:
        locust = crew.start("--web-host", "127.0.0.1", "--web-port", port)
        for users in (1, 2):
            crew.until(lambda users=users: ask("/swarm", user_count=users, spawn_rate=users)["success"])
            crew.until(lambda users=users: has_called(users))
            ask("/stop", stop=1)
        locust.send_signal(signal.SIGTERM)
        crew.end_of(locust)
        runs = sorted(map(load, crew.runs()), key=lambda run: run.document.plan.users)
    assert [run.document.plan.users for run in runs] == [1, 2]
    assert all(counts_of(run) == run.document.locust.counted for run in runs)
    assert all(run.trouble == () and run.document.status == "finished" for run in runs)
    for run in runs:
        check_that_the_waits_add_up(run)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"HARNESS_OUT": "file/runs"}, "Runs cannot be written to file/runs: Not a directory. Name a writable folder in HARNESS_OUT"),
        ({"HARNESS_TARGET": "known:nothing"}, "There is no target 'known:nothing'"),
        ({"HARNESS_SCENARIO": "closd"}, "There is no scenario 'closd'. Did you mean closed?"),
        ({"HARNESS_TARGET": "slow.py:create"}, "'slow.py:create' has an async call, and the users of plain Locust are greenlets"),
        ({"HARNESS_TARGET": "slow.py:walk"}, "The users of target 'slow.py:walk' have state or a journey, and plain Locust makes calls of no user"),
        ({"HARNESS_TARGET": "call:slow.py:nap"}, "Let the harness drive it: harness run closed --target SPEC"),
    ],
)  # fmt: skip
def test_bad_input_ends_locust_with_a_sentence(tmp_path, variables, sentence):
    (tmp_path / "file").write_text("")
    (tmp_path / "slow.py").write_text(
        "class create:\n    async def call(self, event):\n        pass\nasync def nap():\n    pass\n"
        "class walk:\n    journey = ['call']\n    def call(self, event):\n        pass\n"
    )
    with Crew(tmp_path, **variables) as crew:
        ended = crew.end_of(crew.start("--headless", "-u", "1", "-t", "30s"))
        assert ended.code in {1, 2}
        assert sentence in ended.log
        assert "Traceback" not in ended.log
        assert not crew.runs()
    assert not re.search("calls returned", ended.log)
