"""Plain Locust leaves a run besides its own statistics, alone, with workers, and from its web UI."""

import contextlib
import dataclasses
import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness.commands.showing.runs import validity_code
from harness.errors import InvalidRunError
from harness.processes.account import Account, merged
from harness.profiles.stacks.folded import read_folded
from harness.reading.summary import load
from harness.table import calls
from harness.table.histogram import bucket_of
from harness.table.latency import METRICS, latencies
from tests.cli_support import RETURNED, harness, journal, returned
from tests.processes import survivors

LOCUSTFILE = Path(__file__).parents[1] / "scenarios" / "locustfile.py"
# In each worker all others wait for a call that holds the loop.
TARGET = "known:stall?service_ms=4&at_call=100&stall_ms=250&journal={worker}.journal"
_PATIENCE_S = 60.0


@dataclasses.dataclass(frozen=True)
class Ended:
    """A finished Locust process."""

    code: int
    stdout: str
    log: str

    @property
    def counted(self):
        """Locust's own number of requests, by operation."""
        return {row["name"]: row["num_requests"] for row in json.loads(self.stdout)}


class Crew:
    """Processes of Locust in one folder; none is left at the end of the block."""

    def __init__(self, folder, **variables):
        self.folder = folder
        self.variables = variables
        self.processes = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        assert not survivors(process.pid for process in self.processes)

    def start(self, *words, **variables):
        log = (self.folder / f"{len(self.processes)}.log").open("w")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *words],
                cwd=self.folder, env={**os.environ, **self.variables, **variables}, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
            )  # fmt: skip
        self.processes.append(process)
        return process

    def start_all(self, workers, *words):
        """Start a master, and workers once it listens: an early one is told to try again only after 5 s."""
        master = self.start(
            "--master", "--headless", "--master-bind-host", "127.0.0.1", "--master-bind-port", self.port,
            "--expect-workers", str(workers), "--json", *words,
        )  # fmt: skip
        self.until(lambda: "Starting Locust" in self.log(0))
        own = [
            self.start("--worker", "--master-host", "127.0.0.1", "--master-port", self.port, HARNESS_WORKER=str(number))
            for number in range(workers)
        ]  # fmt: skip
        return master, own

    def log(self, number):
        return (self.folder / f"{number}.log").read_text()

    def until(self, condition):
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s and all(
            process.poll() in {None, -9} for process in self.processes
        ):
            with contextlib.suppress(OSError, InvalidRunError):
                if found := condition():
                    return found
            time.sleep(0.05)
        raise AssertionError("".join(self.log(number) for number in range(len(self.processes))))

    def end_of(self, process):
        stdout, _ = process.communicate(timeout=_PATIENCE_S)
        return Ended(process.returncode, stdout, self.log(self.processes.index(process)))

    def runs(self):
        return sorted((self.folder / "runs").glob("*/"))


def counts_of(run):
    return {name: operation.count for name, operation in run.operations.items()}


def parts_of(directory):
    return [calls.load(folder / "calls.npy") for folder in sorted((directory / "timing").glob("worker-*/"))]


def check_that_the_parts_make_the_whole(run):
    """Counts and histograms of all parts together are those of the whole, bit for bit."""
    spans = run.document.plan.spans
    parts = [Account.of("part", part, spans, None) for part in parts_of(run.directory.path)]
    whole = Account.of("all", run.table, spans, None)
    together = merged(parts)
    assert (together.outcomes, together.counts, together.moments) == (
        whole.outcomes,
        whole.counts,
        whole.moments,
    )
    stated = [list(worker.outcomes.values()) for worker in run.document.workers]
    assert np.sum(stated, axis=0).tolist() == whole.outcomes
    rows = np.concatenate(parts_of(run.directory.path))
    assert (
        np.sort(rows, order=list(rows.dtype.names)).tobytes()
        == np.sort(run.table, order=list(rows.dtype.names)).tobytes()
    )


@pytest.fixture(scope="module")
def distributed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crew")
    with Crew(folder, HARNESS_TARGET=TARGET) as crew:
        master, workers = crew.start_all(2, "-u", "4", "-r", "4", "-t", "5s")
        ended = [crew.end_of(process) for process in (master, *workers)]
        (directory,) = crew.runs()
        yield folder, ended, load(directory)


def test_master_and_workers_leave_one_run_whose_parts_make_the_whole(distributed):
    _, ended, run = distributed
    assert [process.code for process in ended] == [validity_code([run]), 0, 0]
    assert run.trouble == ()
    assert [worker.name for worker in run.document.workers] == ["worker-0", "worker-1"]
    assert all(worker.outcomes["completed"] > 100 for worker in run.document.workers)
    check_that_the_parts_make_the_whole(run)


def as_locust_rounds(service_ns):
    """Return whole milliseconds below 100, two digits above; importing Locust would monkey-patch the tests."""
    ms = service_ns / 1e6
    return round(ms, -max(len(str(int(ms))) - 2, 0))


def service_of(run):
    rows = returned(run.table)
    return rows["completed_ns"] - rows["entered_ns"]


def test_locust_counts_what_the_table_holds_and_rounds_what_it_times(distributed):
    _, (master, *_), run = distributed
    assert master.counted == counts_of(run) == run.document.locust.counted
    # All of Locust's own histogram follows from the rows.
    rounded = Counter(map(as_locust_rounds, service_of(run).tolist()))
    (entry,) = json.loads(master.stdout)
    assert {float(ms): count for ms, count in entry["response_times"].items()} == rounded
    assert (entry["min_response_time"], entry["max_response_time"]) == (
        service_of(run).min() / 1e6,
        service_of(run).max() / 1e6,
    )


def test_every_call_of_every_worker_stands_around_its_line_of_the_journal(distributed):
    folder, _, run = distributed
    journals = [journal(folder / f"{number}.journal") for number in range(2)]
    parts = sorted((run.directory.path / "timing").glob("worker-*/"))
    facts = [json.loads((part / "facts.json").read_text()) for part in parts]
    first_unix_s = min(one["origin_unix_s"] for one in facts)
    for part, told in zip(parts, facts, strict=True):
        offset_ns = round((told["origin_unix_s"] - first_unix_s) * 1e9)
        # A call that Locust ended with its user has a line too; nobody else runs between a dispatch and an entry.
        rows = np.sort(calls.load(part / "calls.npy"), order="dispatched_ns")
        came_back = np.isin(rows["outcome"], RETURNED)
        entered_ns, completed_ns = (
            (rows[name] - offset_ns + told["origin_ns"])[came_back] for name in ("entered_ns", "completed_ns")
        )
        (lines,) = (
            lines[came_back]
            for lines in journals
            if len(lines) == len(rows) and entered_ns[0] <= lines["start_ns"][0] < completed_ns[0]
        )
        assert (entered_ns <= lines["start_ns"]).all()
        assert (lines["end_ns"] <= completed_ns).all()
        assert (lines["start_ns"] < lines["end_ns"]).all()


def test_percentiles_of_all_workers_together_are_those_of_their_rows(distributed):
    run = distributed[2]
    sorted_ns = np.sort(service_of(run))
    service = run.total.histograms["service_ns"]
    assert (service.count, service.low, service.high, service.total) == (
        len(sorted_ns), sorted_ns[0], sorted_ns[-1], sorted_ns.sum(),
    )  # fmt: skip
    for share in (0.5, 0.9, 0.95, 0.99):
        told_and_true = np.array(
            [service.percentile(share), sorted_ns[math.ceil(share * len(sorted_ns)) - 1]]
        )
        assert len(set(bucket_of(told_and_true).tolist())) == 1, share


def check_that_the_waits_add_up(run):
    """What stands on stacks is what the rows waited, to the nanosecond."""
    facts = run.document.profiles["wait"]
    assert facts.reason is None
    stacks = read_folded(run.directory.path / facts.file).stacks
    for kind, metric in (("(loop idle)", "wait_idle_ns"), ("(loop busy)", "wait_busy_ns")):
        told = sum(weight for stack, weight in stacks.items() if stack[1] == kind)
        assert told == latencies(returned(run.table))[metric].sum(), kind
    assert facts.requests == counts_of(run)


def test_calls_of_all_workers_wait_on_the_stack_of_the_function_that_sleeps(distributed):
    run = distributed[2]
    check_that_the_waits_add_up(run)
    stacks = read_folded(run.directory.wait / "wait.folded").stacks
    told_ns = {
        kind: sum(
            weight
            for stack, weight in stacks.items()
            if stack[1] == kind and "(targets/known.py)" in stack[-1]
        )
        for kind in ("(loop idle)", "(loop busy)")
    }
    facts = run.document.profiles["wait"].facts
    assert told_ns["(loop idle)"] > 0.9 * facts["waited_idle_s"] * 1e9
    # One other user in each worker, while its worker stalled.
    assert told_ns["(loop busy)"] > 2 * 0.24e9
    assert run.facts.waits_ns_per_switch > 0


def test_the_run_has_all_that_a_run_of_the_harness_has(distributed):
    folder, (master, *_), run = distributed
    assert all(run.total.histograms[metric].count == run.total.count for metric in METRICS)
    assert run.document.environment["backends"] == "none"
    assert run.document.plan.users == 4
    assert 1.0 < run.measured_s < 30.0
    assert run.held_by is not None
    said = harness("report", run.directory.path, "--json", "-o", folder / "report.html", cwd=folder)
    assert said.run["outcomes"]["completed"] == run.total.outcomes["completed"]
    assert said.run["locust"] == {"counted": master.counted, "was_reset": False, "notes": []}
    assert said.run["profiles"]["wait"]["file"] == "wait/wait.folded"
    # On a machine that was busy elsewhere the report shows no times.
    assert re.search(
        "Waiting (adds up|is not shown where times are withheld)", (folder / "report.html").read_text()
    )
    assert f"{run.total.count:,} calls returned" in (folder / "report.html").read_text()
    assert f"{run.total.count:,} calls returned, response p50" in master.log
    assert f"harness report runs/{run.directory.path.name}" in master.log


def test_a_worker_that_is_killed_is_told_and_its_calls_are_kept(tmp_path):
    with Crew(tmp_path, HARNESS_TARGET="known:constant?service_ms=5") as crew:
        master, workers = crew.start_all(2, "-u", "4", "-r", "4")
        # Rows of both have arrived by their reports.
        crew.until(
            lambda: (
                sum(len(calls.load(path)) > 50 for path in tmp_path.glob("runs/*/timing/worker-*/calls.npy"))
                == 2
            )
        )
        workers[1].kill()
        arrived = {path: len(calls.load(path)) for path in tmp_path.glob("runs/*/timing/worker-*/calls.npy")}
        master.send_signal(signal.SIGINT)
        ended = crew.end_of(master)
        (directory,) = crew.runs()
        run = load(directory)
    lost = [worker for worker in run.document.workers if worker.lost]
    assert [worker.lost for worker in lost] == ["stopped answering"]
    reason = next(reason for reason in run.validity.reasons if "stopped answering" in reason)
    assert reason.startswith(f"{lost[0].name} stopped answering; it left ")
    assert run.validity.level != "valid"
    assert sum(lost[0].outcomes.values()) >= min(arrived.values()) > 50
    check_that_the_parts_make_the_whole(run)
    assert ended.counted == counts_of(run)


def test_one_process_alone_leaves_a_run_whose_count_is_locusts(tmp_path):
    with Crew(tmp_path, HARNESS_TARGET="known:failing?every=4") as crew:
        ended = crew.end_of(crew.start("--headless", "-u", "2", "-r", "1", "-t", "3s", "--json"))
        (directory,) = crew.runs()
        run = load(directory)
    assert ended.code == 1  # as ever, where requests failed
    assert run.trouble == ()
    assert ended.counted == counts_of(run) == run.document.locust.counted
    # The second came a second later.
    assert run.document.plan.users == 2
    assert run.total.outcomes["failed"] == pytest.approx(run.total.count / 4, abs=1)
    assert len(returned(run.table)) == run.total.count
    # It holds the loop from its beginning to its end.
    assert "no call waited" in run.document.profiles["wait"].reason
    assert not any("Locust counted" in reason for reason in run.validity.reasons)


# No call of this target completes, so no run of it is valid, however quiet the machine is.
ALL_FAIL = "known:failing?every=1"
IS_INVALID = re.compile(
    r"^harness: The run in runs/\S+ is invalid:\nharness:  - No call completed$", re.MULTILINE
)


@pytest.mark.parametrize(("on_error", "code"), [("0", 5), ("7", 7)])
def test_an_invalid_run_is_an_exit_code_unless_locust_has_one_and_its_reasons_stand_on_stderr(
    tmp_path, on_error, code
):
    with Crew(tmp_path, HARNESS_TARGET=ALL_FAIL) as crew:
        words = (
            "--headless",
            "-u",
            "1",
            "-t",
            "1s",
            "--exit-code-on-error",
            on_error,
            "--logfile",
            "away.log",
        )
        ended = crew.end_of(crew.start(*words))
    assert ended.code == code
    assert IS_INVALID.search(ended.log)


def test_a_master_says_that_the_run_of_its_workers_is_invalid(tmp_path):
    with Crew(tmp_path, HARNESS_TARGET=ALL_FAIL) as crew:
        master, workers = crew.start_all(1, "-u", "1", "-t", "1s", "--exit-code-on-error", "0")
        ended = [crew.end_of(process) for process in (master, *workers)]
    assert ended[0].code == 5
    assert IS_INVALID.search(ended[0].log)
    assert not IS_INVALID.search(ended[1].log)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_test_that_is_stopped_with_locust_itself_is_judged_before_the_exit_code_is_settled(tmp_path, end):
    """With a web UI that started the test by itself, and again where somebody's file sets a code of 0 at the end."""
    (tmp_path / "own.py").write_text(
        "import locust\n@locust.events.quitting.add_listener\n"
        "def no_fault(environment, **_):\n    environment.process_exit_code = 0\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
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
        crew.until(lambda: any(len(calls.load(one)) > 20 for one in tmp_path.glob("runs/*/timing/calls.npy")))
        locust.send_signal(end)
        ended = crew.end_of(locust)
    assert ended.code == 5
    assert IS_INVALID.search(ended.log)


def test_a_process_that_is_killed_leaves_a_run_that_says_so_and_claims_no_shorter_time(tmp_path):
    with Crew(tmp_path, HARNESS_TARGET="known:constant?service_ms=5") as crew:
        process = crew.start("--headless", "-u", "2", "-r", "2")
        crew.until(lambda: any(len(calls.load(one)) > 50 for one in tmp_path.glob("runs/*/timing/calls.npy")))
        process.kill()
        process.wait()
        (directory,) = crew.runs()
        run = load(directory)
    assert "The run was cut off: it has no end in run.json" in run.trouble
    assert run.total.outcomes["unfinished"] <= 2
    assert "wrote none before its end" in run.document.profiles["wait"].reason
    # From its last stamp, since nothing else is known of its end.
    last_s = max(run.table["completed_ns"].max(), run.table["dispatched_ns"].max()) / 1e9
    assert run.measured_s == pytest.approx(last_s)


def test_where_another_tool_has_the_switch_hook_the_run_says_why_nobody_saw_who_waits(tmp_path):
    (tmp_path / "traced.py").write_text(
        "import greenlet, time\ngreenlet.settrace(lambda *_: None)\n"
        "class Nap:\n    def call(self, event):\n        time.sleep(0.005)\ndef create():\n    return Nap()\n"
    )
    with Crew(tmp_path, HARNESS_TARGET="traced.py:create") as crew:
        crew.end_of(crew.start("--headless", "-u", "1", "-t", "1s"))
        (directory,) = crew.runs()
    profile = load(directory).document.profiles["wait"]
    assert "another tool of the process has the only one" in profile.reason
    assert profile.file is None


def test_every_test_that_the_web_ui_starts_is_a_run_of_its_own(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    def ask(path, **form):
        data = urllib.parse.urlencode(form).encode() if form else None
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=_PATIENCE_S) as answer:
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
        ({"HARNESS_SCENARIO": "closd"}, "There is no scenario 'closd'. Did you mean closed?"),
        ({"HARNESS_TARGET": "known:constant?service=5"}, "does not take these parameters"),
    ],
)  # fmt: skip
def test_bad_input_ends_locust_with_a_sentence(tmp_path, variables, sentence):
    (tmp_path / "file").write_text("")
    with Crew(tmp_path, **variables) as crew:
        ended = crew.end_of(crew.start("--headless", "-u", "1", "-t", "30s"))
        assert ended.code in {1, 2}
        assert sentence in ended.log
        assert "Traceback" not in ended.log
        assert not crew.runs()
    assert not re.search("calls returned", ended.log)
