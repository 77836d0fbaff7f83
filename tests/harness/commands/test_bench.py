"""`harness bench` as a user types it: what it says, what it leaves behind, and its exit codes."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.support.cli import document, end_of, inside, started, until
from tests.support.git import git
from tests.support.run_builder import make_run
from tests.support.session import commit
from tests.support.toy_suite import BAD, BROKEN, GOOD, ORDINARY, SKIPS, SLOW, make_project

NEXT = "harness compare "


def times(directory):
    content = json.loads((Path(directory) / "timing" / "benchmarks.json").read_text())
    return [one["fullname"] for one in content["benchmarks"]]


def test_a_suite_of_ones_own_is_measured_in_the_variant_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("WANTED", "fast")
    project = make_project(tmp_path, good=GOOD)
    said = inside(project, "bench", "add", "*variant", "--variant", "fast", "--json", "--verbose")
    assert said.code == 0, said.stderr
    (run,) = said.document["runs"]
    assert list(run["benchmarks"]) == [
        "test_good.py::test_add[10]", "test_good.py::test_add[10000]", "test_good.py::TestInClass::test_variant",
    ]  # fmt: skip
    assert (run["suite"], run["variant"], run["planned"], run["missing"]) == ("bench", "fast", 3, {})
    assert all(0 < one["min_ns"] <= one["median_ns"] for one in run["benchmarks"].values())
    assert "Two bench runs are not a comparison" in said.stderr
    assert NEXT in said.stderr
    directory = project / run["dir"]
    assert times(directory) == list(run["benchmarks"])
    stored = document(directory)
    assert (stored["kind"], stored["status"], stored["interrupted"]) == ("micro", "finished", False)
    assert (directory / "report.html").read_text() == (project / said.document["report"]).read_text()


def test_the_projects_index_is_not_written(tmp_path):
    project = make_project(tmp_path, good=GOOD)
    git(project, "init", "--quiet")
    commit(project, {".gitignore": "runs\n__pycache__\n"})
    # As new as this, git would store it afresh in the index.
    os.utime(project / "bench" / "test_good.py", (1_000_000_000, 1_000_000_000))
    before = (project / ".git" / "index").read_bytes(), (project / ".git").stat().st_mtime_ns
    said = inside(project, "bench", "add", "--json")
    assert said.code == 0, said.stderr
    assert before == ((project / ".git" / "index").read_bytes(), (project / ".git").stat().st_mtime_ns)
    stored = json.loads(
        (project / said.document["runs"][0]["dir"] / "timing" / "benchmarks.json").read_text()
    )
    assert stored["commit_info"]["id"] == git(project, "rev-parse", "HEAD")
    assert stored["commit_info"]["dirty"] is False


def test_failures_are_named_and_the_rest_is_measured(tmp_path):
    project = make_project(tmp_path, good=GOOD, bad=BAD, broken=BROKEN)
    said = inside(project, "bench", "--json")
    assert said.code == 5, said.stderr
    (run,) = said.document["runs"]
    assert run["validity"] == "invalid"
    assert "test_good.py::test_add[10]" in run["benchmarks"]
    assert run["missing"]["test_bad.py::test_wrong"].startswith("failed: AssertionError")
    assert run["missing"]["test_bad.py::test_skips"].startswith("skipped")
    assert "no_such_module" in run["missing"]["test_broken.py"]
    assert "test_bad.py::test_unused ended well but left no times" in " ".join(run["reasons"])
    assert "python -m pytest bench/test_bad.py::test_wrong" in said.stderr


MEANT = """
import pytest

@pytest.mark.skip(reason="later")
def test_skip_mark(benchmark): benchmark(int)

@pytest.mark.xfail(reason="a known fault")
def test_xfails(benchmark): assert benchmark.pedantic(int, rounds=20) == 1

def test_is_measured(benchmark): benchmark.pedantic(int, rounds=20)
"""


def test_what_the_suite_leaves_out_and_what_is_no_benchmark_is_listed_and_no_fault(tmp_path):
    project = make_project(tmp_path, meant=MEANT, ordinary=ORDINARY, numpy=SKIPS)
    said = inside(project, "bench", "--json", "--verbose")
    (run,) = said.document["runs"]
    assert (said.code, run["validity"] in {"valid", "degraded"}) == (0, True), said.stderr
    assert list(run["benchmarks"]) == ["test_meant.py::test_is_measured"]
    missing = run["missing"]
    assert missing.pop("test_numpy.py").startswith("skips itself: could not import 'no_numpy'")
    assert missing == {
        "test_meant.py::test_skip_mark": "skipped: later",
        "test_meant.py::test_xfails": "xfailed: a known fault",
        "test_ordinary.py": (
            "cannot be imported and names no benchmark: ModuleNotFoundError: No module named 'no_such_module'"
        ),
    }
    assert all(name in said.stderr for name in (*missing, "test_numpy.py"))


@pytest.mark.parametrize(
    ("policy", "words", "code", "sentence"),
    [
        ('[tool.harness]\nsuite = "bench"\n', ("ad_d",), 2, "No benchmark matches 'ad_d'. Did you mean"),
        ('[tool.harness]\nsuite = "nowhere"\n', (), 2, "There is no benchmark suite 'nowhere'"),
        ('[tool.harness]\nsuite = "src"\n', (), 2, "The suite holds no benchmark"),
        ('[tool.harness]\nsiute = "bench"\n', (), 2, "suite"),
        ('[tool.harness]\nsuite = "bench/test_broken.py"\n', (), 5, "No benchmark can be imported"),
        ('[tool.harness]\nsuite = "bench"\n', ("broken",), 5, "test_broken.py cannot be imported"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(tmp_path, policy, words, code, sentence):
    project = make_project(tmp_path, policy, good=GOOD, broken=BROKEN)
    said = inside(project, "bench", *words)
    assert (said.code, said.stdout) == (code, "")
    assert sentence in said.error
    assert not (project / "runs").exists()


def begun(project, name):
    """Wait for the log of a run in which `name` is being measured: those before it have left their times."""

    def looked():
        for file in project.glob("runs/*/timing/benchmarks.json"):
            # The message that it has ended comes a moment after its times.
            is_told = time.time() - file.stat().st_mtime > 0.5
            return file.parent.parent if is_told and times(file.parent.parent) == [name] else None
        return None

    return looked


def test_ctrl_c_keeps_what_was_measured(tmp_path):
    project = make_project(tmp_path, slow=SLOW.format(action="time.sleep(60)"))
    with started("bench", "--json", cwd=project) as process:
        directory = until(begun(project, "test_slow.py::test_first"), process)
        process.send_signal(signal.SIGINT)
        said = end_of(process)
    assert said.code == 130
    (run,) = said.document["runs"]
    assert run["interrupted"]
    assert list(run["benchmarks"]) == ["test_slow.py::test_first"]
    assert set(run["missing"].values()) == {"interrupted before its end"}
    assert document(directory)["status"] == "finished"


def test_ctrl_c_before_the_first_end_leaves_nothing(tmp_path):
    project = make_project(tmp_path, slow=SLOW.format(action="time.sleep(60)"))
    with started("bench", "holds", cwd=project) as process:
        until(lambda: list(project.glob("runs/*/timing/pytest.log")), process)
        process.send_signal(signal.SIGINT)
        said = end_of(process)
    assert said.code == 130
    assert "nothing was measured" in said.stderr
    assert list((project / "runs").iterdir()) == []


def test_a_suite_that_kills_its_process_is_an_answer(tmp_path):
    project = make_project(tmp_path, slow=SLOW.format(action="os.kill(os.getpid(), 11)"))
    said = inside(project, "bench", "--json")
    assert said.code == 5
    (run,) = said.document["runs"]
    assert list(run["benchmarks"]) == ["test_slow.py::test_first"]
    assert "The measuring process was killed by SIGSEGV after 1 of 3 benchmarks" in " ".join(run["reasons"])


def test_the_suite_that_comes_with_the_harness_measures_both_variants_of_the_core(tmp_path):
    out = ("--out", tmp_path / "runs")
    said = inside(None, "bench", "health", "--variant", "optimised", "--variant", "baseline", *out)
    assert said.code == 0, said.stderr
    assert re.search(r"^Benchmark +optimised +baseline", said.stdout, re.MULTILINE)
    assert f"{NEXT}variant:optimised variant:baseline --suite micro" in said.stdout
    optimised, baseline = sorted(tmp_path.glob("runs/*"), key=lambda path: "baseline" in path.name)
    again = inside(tmp_path, "report", optimised, baseline, "-o", "again.html", "--json")
    assert again.code == 0
    medians = [
        run["benchmarks"]["test_handling.py::test_health"]["median_ns"] for run in again.document["runs"]
    ]
    # The baseline starts the core anew for each request: ten times the work, whatever the machine.
    assert medians[1] > 2 * medians[0]
    assert (tmp_path / "again.html").read_text() == (baseline / "report.html").read_text()


def test_an_unknown_variant_of_the_core_is_refused_with_those_that_there_are():
    said = inside(None, "bench", "--variant", "fast")
    assert said.code == 2
    assert "The asset core has no variant 'fast'. Choose from: optimised, baseline" in said.error


def test_load_and_micro_runs_have_no_report_together(tmp_path):
    project = make_project(tmp_path / "project", good=GOOD)
    assert inside(project, "bench", "add").code == 0
    (micro,) = project.glob("runs/*")
    load = make_run(tmp_path)
    said = inside(tmp_path, "report", load, micro)
    assert said.code == 2
    assert "Runs of different kinds cannot share a report" in said.error
    assert f"{micro} is a micro run" in said.error
    said = inside(tmp_path, "report", micro, "--figures", tmp_path / "figures")
    assert (said.code, "has no figures" in said.error) == (2, True)


def test_the_list_names_the_benchmarks_of_the_projects_suite(tmp_path):
    project = make_project(tmp_path, good=GOOD)
    assert inside(project, "list", "--json").document["benchmarks"] == [
        {"name": "test_good.py::test_add", "summary": "Sums so many numbers."},
        {"name": "test_good.py::TestInClass::test_variant", "summary": "Prints, and asks for its variant."},
    ]
    (project / "bench" / "test_good.py").unlink()
    (project / "bench").rmdir()
    assert inside(project, "list", "--json").document["benchmarks"] == []
