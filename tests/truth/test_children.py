"""Child processes of calls: what they use and how long calls wait for them is said, and no count without them is exact."""

import json
import sys

import pytest

from harness.cli import main
from harness.exact.process import ExactPlan
from harness.exact.sides import trace_exactly
from harness.judge.exact import exact_comparisons
from harness.judge.verdict import Verdict
from harness.policy.policy import Policy
from harness.processes.children import growth, usage
from harness.processes.subject import Subject
from harness.supervise import Supervisor

TARGET = """
import subprocess, sys, time
WORK = "import time\\nwhile time.process_time() < 0.05: pass"
class Calling:
    operations = {"child": 1, "own": 1}
    def make_event(self, operation, rng):
        return operation
    def call(self, event):
        if event == "child":
            subprocess.run([sys.executable, "-I", "-S", "-c", WORK], check=True)
def create():
    return Calling()
class Quiet:
    def call(self, event):
        time.sleep(0.001)
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(TARGET)
    return path


def run(own, factory, tmp_path, capsys, duration="1s"):
    words = [
        "run",
        "closed",
        "--target",
        f"{own}:{factory}",
        "--users",
        "2",
        "--duration",
        duration,
        "--warmup",
        "0s",
    ]
    # A busy machine may make it invalid.
    assert main([*words, "--out", str(tmp_path / factory), "--json"]) in {0, 5}
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    return found, tmp_path / factory


def test_a_run_says_what_children_used_and_how_much_of_service_waited_for_them(own, tmp_path, capsys):
    found, out = run(own, "create", tmp_path, capsys)
    children = found["children"]
    made = found["operations"]["child"]["count"]
    assert made > 0
    # Those that were still on their way when the time was over have their part too.
    assert 0.05 * made <= children["cpu_s"] <= 0.5 * (made + 2)
    assert children["waited_share"] > 0.5
    assert children["running"] == 0
    sentence = children["sentence"]
    assert "of service was waiting for child processes that were not profiled" in sentence
    (directory,) = out.iterdir()
    assert sentence in (directory / "report.html").read_text()
    assert main(["report", str(directory), "--verbose", "-o", str(tmp_path / "again.html")]) in {0, 5}
    assert "child processes that were not profiled" in " ".join(capsys.readouterr().out.split())


def test_a_run_without_children_says_nothing_of_them(own, tmp_path, capsys):
    assert run(own, "Quiet", tmp_path, capsys, "100ms")[0]["children"] is None


def test_exact_allocations_of_an_operation_that_starts_children_get_no_verdict_and_others_do(own, tmp_path):
    with Supervisor() as supervisor:
        subject, plan = Subject(f"{own}:create", {}), ExactPlan(requests=2, repetitions=1)
        counts = trace_exactly(supervisor, subject, subject, tmp_path / "traced", plan)
    found = {(one.benchmark, one.metric): one for one in exact_comparisons(counts, Policy())}
    for metric in ("allocations", "peak_bytes"):
        one = found["child", metric]
        assert (one.verdict, one.change) == (Verdict.INCONCLUSIVE, None)
        assert "their allocations are not counted" in one.note
        assert found["own", metric].verdict is Verdict.OK
    assert found["child", "failures"].verdict is Verdict.OK


def test_a_child_that_runs_on_is_counted_and_one_that_only_waits_is_none():
    import subprocess

    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys, time\nprint(flush=True)\nsys.stdin.read(1)\nwhile time.process_time() < 0.05: pass\nprint(flush=True)\nsys.stdin.read()",
    ]
    before = usage()
    others = len(before.running)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin
        assert child.stdout
        child.stdout.readline()
        assert (growth(before) or before).running == 1 + others
        waiting = usage()
        assert growth(waiting) is None
        child.stdin.write(b"x")
        child.stdin.flush()
        child.stdout.readline()
        worked = growth(waiting)
        assert worked is not None
        assert worked.cpu_s > 0.02
        child.stdin.close()
    ended = growth(waiting)
    assert ended is not None
    assert (ended.cpu_s > 0.02, ended.running) == (True, others)
    assert ended.most_rss_bytes > 0
