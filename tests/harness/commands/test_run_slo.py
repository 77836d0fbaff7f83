"""`harness run --slo`: certified, broken or not certified, and the same in text, HTML, JSON and exit code."""

from pathlib import Path

import numpy as np
import pytest

from harness.errors import ExitCode
from harness.reading.judging import judge
from harness.reading.run_json import as_json
from harness.reading.summary import load
from harness.run.directory import RunDirectory
from harness.table import calls
from reports.shared.model import Status
from tests.support.cli import inside
from tests.support.run_builder import make_run
from tests.support.shown import markup_of, told
from tests.support.tolerant import tolerant

OPERATIONS = {"GET /assets/{id}": 0.5, "POST /assets": 0.5}


def stored(parent, *slos, **changes):
    path = make_run(parent, operations=OPERATIONS, rate_per_s=100.0, duration_s=4.0, **changes)
    document = RunDirectory(path).read()
    document.slos = list(slos)
    RunDirectory(path).write(document)
    return path


@pytest.fixture
def project(tmp_path):
    return tolerant(tmp_path)


def test_a_run_that_keeps_its_limits_says_so_and_exits_with_0(project):
    # No noise keeps a call from its answer for a minute.
    said = inside(
        project, "run", "steady", "--target", "known:constant", "--rate", 200, "--duration", "500ms", "--warmup", "100ms",
        "--slo", "p50<1m,errors<40%", "--slo", "call: p50<1m", "--json", "--no-report",
    )  # fmt: skip
    assert [(slo["slo"], slo["operation"], slo["state"]) for slo in said.run["slo"]] == [
        ("p50<1m", "all", "certified"),
        ("errors<40%", "all", "certified"),
        ("p50<1m", "call", "certified"),
    ]
    assert said.code == ExitCode.OK
    assert said.stderr.count("certified: 0 of 100 calls") == 3


def test_a_run_that_breaks_a_limit_exits_with_3_and_its_report_shows_it_again(project):
    said = inside(
        project, "run", "steady", "--target", "known:constant?service_ms=20", "--rate", 20, "--duration", "1s",
        "--warmup", "0s", "--slo", "call: p50<1ms", "--json", "--no-report",
    )  # fmt: skip
    assert said.code == ExitCode.LIMIT_BROKEN
    (slo,) = said.run["slo"]
    assert (slo["calls"], slo["exceeding"]) == (20, 20)
    assert "call: p50<1ms: broken: 20 of 20 calls" in said.stderr
    # A run is read by the limits that it was made under, wherever that is.
    assert inside(None, "report", project / said.run["dir"], "--json").code == ExitCode.LIMIT_BROKEN


def test_an_operation_that_the_target_does_not_have_is_refused_before_the_run(tmp_path):
    said = inside(
        None, "run", "steady", "--target", "known:noop", "--rate", 10, "--duration", "1s",
        "--slo", "cal: p50<1ms", "--out", tmp_path, "--json",
    )  # fmt: skip
    assert said.code == ExitCode.USAGE
    assert "'cal'" in said.error
    assert "It has: call" in said.error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["p99", "max<3ms", ": p99<3ms", "errors<0%"])
def test_what_is_no_limit_is_refused_with_an_example(tmp_path, words):
    said = inside(None, "run", "steady", "--target", "known:noop", "--slo", words, "--out", tmp_path)
    assert said.code == ExitCode.USAGE
    assert "--slo" in said.error


def test_text_html_and_json_say_the_same_of_each_limit(tmp_path):
    path = stored(tmp_path, "p50<1ns", "GET /assets/{id}: p50<1s", "p99.9<1s")
    built, words = told(path)
    markup = markup_of(built)
    written = as_json(judge(load(path)))["slo"]
    assert [line.state for line in built.verdict.limits] == ["broken", "certified", "not certified"]
    assert built.verdict.status is Status.BAD
    assert "Broken: p50<1ns." in built.verdict.sentence
    assert "GET /assets/{id}: p50<1s" in {line.what for line in built.verdict.limits}
    for slo in written:
        assert slo["sentence"] in words
        assert slo["sentence"] in markup


def test_limits_of_several_runs_are_told_apart_by_their_labels(tmp_path):
    paths = [
        stored(tmp_path, "p50<20ms", variant=name, service_ms=ms) for name, ms in (("slow", 90), ("fast", 1))
    ]
    built, words = told(*paths)
    assert [(line.what, line.state) for line in built.verdict.limits] == [
        ("slow, p50<20ms", "broken"),
        ("fast, p50<20ms", "certified"),
    ]
    assert "slow, p50<20ms: broken" in words


def clustered(parent, *clusters, slo="p99<25ms"):
    """Return the state of a limit in a run of 10,000 calls where the clusters (first call, number) are over it."""
    path = make_run(parent, operations={"read": 1.0}, rate_per_s=250.0, duration_s=40.0, warmup_s=0.0)
    file = path / "timing" / "calls.npy"
    table = np.array(calls.load(file))
    table["completed_ns"] = table["intended_ns"] + 5_000_000
    table["dispatched_ns"] = table["entered_ns"] = table["intended_ns"]
    table["run_ns"] = table["wait_busy_ns"] = table["lag_target_ns"] = 0
    for first, number in clusters:
        table["completed_ns"][first : first + number] += 100_000_000
    calls.write_table(file, table)
    document = RunDirectory(path).read()
    document.slos = [slo]
    RunDirectory(path).write(document)
    (found,) = as_json(judge(load(path)))["slo"]
    return found


@pytest.mark.parametrize(
    "clusters", [[(1000 * place, 50) for place in range(4)], [(5000, 30)], [(100, 15), (9000, 25)]]
)
def test_calls_that_exceed_in_a_few_clusters_neither_certify_nor_break_a_limit(tmp_path, clusters):
    # 2 % of calls in four clusters, and 0.3 or 0.4 % in one or two: another run may see twice as many, or none.
    assert clustered(tmp_path, *clusters)["state"] == "not certified"


def test_the_same_numbers_of_calls_alone_do(tmp_path):
    assert clustered(tmp_path, *((50 * place, 1) for place in range(200)))["state"] == "broken"
    assert clustered(tmp_path / "again", *((333 * place, 1) for place in range(30)))["state"] == "certified"
    # Every call over the limit is no cluster.
    assert clustered(tmp_path / "every", (0, 10_000))["state"] == "broken"
    none = clustered(tmp_path / "none")
    assert none["state"] == "certified"
    assert "a group of more than 16 such calls could have been missed" in none["sentence"]


def test_a_rate_at_its_limit_is_neither_certified_nor_broken(tmp_path):
    path = make_run(tmp_path, operations={"read": 1.0}, rate_per_s=250.0, duration_s=40.0, fail_share=0.2)
    document = RunDirectory(path).read()
    document.slos = ["throughput>199/s", "throughput>150/s", "throughput>250/s"]
    RunDirectory(path).write(document)
    found = as_json(judge(load(path)))["slo"]
    assert [slo["state"] for slo in found] == ["not certified", "certified", "broken"]


def test_without_limits_nothing_is_said_of_them(tmp_path):
    built, words = told(stored(tmp_path))
    assert built.verdict.limits == ()
    assert "certified" not in words
    assert 'class="limits"' not in markup_of(built)


def test_a_limit_that_needs_more_calls_names_the_run_that_makes_them(tmp_path):
    path = stored(tmp_path, "p99.9<1s")
    built, _ = told(path)
    words = built.next_command.command.split()
    # 400 calls were made in 4 s; at 30,000 calls 30 are allowed over it, and a group of five would be seen.
    assert words[words.index("--duration") + 1] == "330s"
    assert words[-2:] == ["--slo", "'p99.9<1s'"]


def test_an_invalid_run_certifies_nothing_and_exits_with_5(tmp_path):
    path = stored(tmp_path, "p50<1s", "p50<1ns", facts=False)
    document = RunDirectory(path).read()
    assert judge(load(path)).validity.level == "invalid"
    assert document.slos
    said = inside(None, "report", path, "--json")
    assert said.code == ExitCode.INVALID
    assert {slo["state"] for slo in said.run["slo"]} == {"not certified"}


def test_limits_that_were_damaged_in_the_folder_are_told_and_not_passed_over(tmp_path):
    said = inside(None, "report", stored(tmp_path, "p50 below 1ns"))
    assert said.code == ExitCode.INVALID
    assert "limits are damaged" in said.error


def test_a_run_before_limits_were_kept_is_read_without_them(tmp_path):
    path = Path(stored(tmp_path))
    file = path / "run.json"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if '"slos"' not in line))
    assert judge(load(path)).slo == ()
