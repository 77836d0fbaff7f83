"""Master and workers of plain Locust leave one run, whose parts make the whole."""

import json
import math
import re
import signal
from collections import Counter

import numpy as np
import pytest

from harness import cli
from harness.processes.worker_account import Account, merged
from harness.profiles.stacks.folded import read_folded
from harness.reading.codes import validity_code
from harness.reading.judging import judge
from harness.reading.summary import load
from harness.table import calls
from harness.table.histogram import bucket_of
from harness.table.latency import METRICS
from tests.support.cli import RETURNED, journal, returned
from tests.support.locust import IS_INVALID, Crew, check_that_the_waits_add_up, counts_of, every_row

# In each worker all others wait for a call that holds the loop.
# Later than the ramp-up, in which the master waits for the first reports for a second.
TARGET = "known:stall?service_ms=4&at_call=800&stall_ms=250&journal={worker}.journal"


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
        == np.sort(every_row(run), order=list(rows.dtype.names)).tobytes()
    )


@pytest.fixture(scope="module")
def distributed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crew")
    with Crew(folder, HARNESS_TARGET=TARGET) as crew:
        master, workers = crew.start_all(2, "-u", "4", "-r", "4")
        # As long as it takes: on a busy machine users may be late.
        crew.until(lambda: sum(rows > 1100 for rows in crew.called().values()) == 2)
        master.send_signal(signal.SIGINT)
        ended = [crew.end_of(process) for process in (master, *workers)]
        (directory,) = crew.runs()
        yield folder, ended, load(directory)


def test_master_and_workers_leave_one_run_whose_parts_make_the_whole(distributed):
    _, ended, run = distributed
    assert [process.code for process in ended] == [validity_code([judge(run)]), 0, 0]
    assert run.trouble == ()
    assert [worker.name for worker in run.document.workers] == ["worker-0", "worker-1"]
    assert all(worker.outcomes["completed"] > 100 for worker in run.document.workers)
    check_that_the_parts_make_the_whole(run)


def as_locust_rounds(service_ns):
    """Return whole milliseconds below 100, two digits above; importing Locust would monkey-patch the tests."""
    ms = service_ns / 1e6
    return round(ms, -max(len(str(int(ms))) - 2, 0))


def service_of(rows):
    rows = returned(rows)
    return rows["completed_ns"] - rows["entered_ns"]


def test_locust_counts_what_the_table_holds_and_rounds_what_it_times(distributed):
    _, (master, *_), run = distributed
    assert master.counted == counts_of(run) == run.document.locust.counted
    # All of Locust's own histogram follows from the rows.
    rounded = Counter(map(as_locust_rounds, service_of(every_row(run)).tolist()))
    (entry,) = json.loads(master.stdout)
    assert {float(ms): count for ms, count in entry["response_times"].items()} == rounded
    assert (entry["min_response_time"], entry["max_response_time"]) == (
        service_of(every_row(run)).min() / 1e6,
        service_of(every_row(run)).max() / 1e6,
    )


def within(times_ns, first_ns, last_ns):
    """Whether each time lies in its interval."""
    return bool(((first_ns <= times_ns) & (times_ns < last_ns)).all())


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
            if len(lines) == len(rows) and within(lines["start_ns"][came_back], entered_ns, completed_ns)
        )
        assert (entered_ns <= lines["start_ns"]).all()
        assert (lines["end_ns"] <= completed_ns).all()
        assert (lines["start_ns"] < lines["end_ns"]).all()


def test_percentiles_of_all_workers_together_are_those_of_their_rows(distributed):
    run = distributed[2]
    sorted_ns = np.sort(service_of(run.table))
    service = run.total.histograms["service_ns"]
    assert (service.count, service.low, service.high, service.total) == (
        len(sorted_ns), sorted_ns[0], sorted_ns[-1], sorted_ns.sum(),
    )  # fmt: skip
    for share in (0.5, 0.9, 0.95, 0.99):
        told_and_true = np.array(
            [service.percentile(share), sorted_ns[math.ceil(share * len(sorted_ns)) - 1]]
        )
        assert len(set(bucket_of(told_and_true).tolist())) == 1, share


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
    facts = run.document.profiles.wait.facts
    assert told_ns["(loop idle)"] > 0.9 * facts.waited_idle_s * 1e9
    # One other user in each worker, while its worker stalled.
    assert told_ns["(loop busy)"] > 2 * 0.24e9
    assert run.facts.waits_ns_per_switch > 0


def test_the_run_has_all_that_a_run_of_the_harness_has(distributed, monkeypatch, capsys):
    folder, (master, *_), run = distributed
    assert all(run.total.histograms[metric].count == run.total.count for metric in METRICS[:-1])
    assert run.document.environment["backends"] == "none"
    assert run.document.plan.users == 4
    assert 1.0 < run.measured_s < 60.0
    assert run.held_by is not None
    monkeypatch.chdir(folder)
    cli.main(["report", str(run.directory.path), "--json", "-o", "report.html"])
    (said,) = json.loads(capsys.readouterr().out)["runs"]
    assert said["outcomes"]["completed"] == run.total.outcomes["completed"]
    assert said["locust"]["counted"] == master.counted
    assert (said["locust"]["was_reset"], said["locust"]["notes"]) == (False, [])
    assert max(users for _, users in said["locust"]["users"]) == 4
    assert [stage["label"] for stage in said["stages"]] == ["ramp-up", "4 users"]
    assert said["profiles"]["wait"]["file"] == "wait/wait.folded"
    # On a machine that was busy elsewhere the report shows no times.
    assert re.search("Waiting (adds up|is not shown for)", (folder / "report.html").read_text())
    assert f"{sum(master.counted.values()):,} calls returned" in (folder / "report.html").read_text()
    assert f"{run.total.count:,} calls returned, response p50" in master.log
    assert f"harness report runs/{run.directory.path.name}" in master.log


def test_a_worker_that_is_killed_is_told_its_calls_are_kept_and_the_master_says_that_the_run_is_invalid(
    tmp_path,
):
    (tmp_path / "failing.py").write_text(
        "import time\nclass create:\n    def call(self, event):\n        time.sleep(0.005)\n        raise ValueError\n"
    )
    with Crew(tmp_path, HARNESS_TARGET="failing.py:create") as crew:
        master, workers = crew.start_all(2, "-u", "4", "-r", "4", "--exit-code-on-error", "0")
        # Rows of both have arrived by their reports.
        crew.until(lambda: sum(rows > 50 for rows in crew.called().values()) == 2)
        workers[1].kill()
        arrived = crew.called()
        master.send_signal(signal.SIGINT)
        ended, other = crew.end_of(master), crew.end_of(workers[0])
        (directory,) = crew.runs()
        run = load(directory)
    lost = [worker for worker in run.document.workers if worker.lost]
    assert [worker.lost for worker in lost] == ["stopped answering"]
    reason = next(reason for reason in judge(run).validity.reasons if "stopped answering" in reason)
    assert reason.startswith(f"{lost[0].name} stopped answering; it left ")
    assert min(map(len, parts_of(run.directory.path))) >= min(arrived.values()) > 50
    check_that_the_parts_make_the_whole(run)
    assert ended.counted == counts_of(run)
    assert ended.code == 5
    assert IS_INVALID.search(ended.log)
    assert f"harness:  - {reason}" in ended.log
    assert not IS_INVALID.search(other.log), "a worker judges nothing"
