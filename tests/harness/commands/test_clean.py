"""Retention: which folders go, and that nothing else does."""

import json
import os
import shutil
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.errors import ExitCode
from harness.run.directory import RunDirectory
from harness.storage import folder
from harness.work.removal import choose
from harness.work.retention import StoredRun, find
from harness.work.session_folder import SessionFolder
from tests.support.capacity_builder import document
from tests.support.judge import receipt
from tests.support.run_builder import make_run

DAY_S = 86_400.0
RUNS = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 100)), max_size=12)


def stored(*runs):
    """Runs as `find` returns them, newest first."""
    return [
        StoredRun(Path(str(number)), modified_s, size)
        for number, (modified_s, size) in enumerate(sorted(runs, reverse=True))
    ]


def aged(path, age_days):
    """Make what decides about the age of a folder that old."""
    moment_s = time.time() - age_days * DAY_S
    for name in ("run.json", "receipt.json", ""):
        if (path / name).exists():
            os.utime(path / name, (moment_s, moment_s))
    return path


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("made"), duration_s=1.0, rate_per_s=10.0)


@pytest.fixture
def a_run(one_run):
    def make(parent, name, age_days=0.0, size_bytes=0):
        path = Path(shutil.copytree(one_run, parent / name))
        if size_bytes:
            (path / "timing" / "worker.log").write_bytes(b"x" * size_bytes)
        return aged(path, age_days)

    return make


def names(found):
    return [run.path.name for run in found.runs]


def reasons(found):
    return {path.name: why for path, why in found.left}


def test_what_is_too_old_goes():
    runs = stored((10.0, 1), (20.0, 1), (30.0, 1))
    assert choose(runs, 20.0, 1000) == [runs[2]]


def test_what_does_not_fit_goes_oldest_first():
    runs = stored((30.0, 40), (20.0, 40), (10.0, 40))
    assert choose(runs, 0.0, 80) == [runs[2]]
    assert choose(runs, 0.0, 79) == runs[1:]


@given(RUNS, st.floats(0, 100), st.integers(0, 500))
def test_what_stays_is_young_enough_fits_and_is_newer_than_what_goes(runs, oldest_s, most_bytes):
    all_runs = stored(*runs)
    doomed = choose(all_runs, oldest_s, most_bytes)
    kept = [run for run in all_runs if run not in doomed]
    assert all(run.modified_s >= oldest_s for run in kept)
    assert sum(run.size_bytes for run in kept) <= most_bytes
    assert all_runs == kept + doomed
    if doomed and doomed[0].modified_s >= oldest_s:
        # The first to go would not have fitted.
        assert sum(run.size_bytes for run in [*kept, doomed[0]]) > most_bytes


def test_runs_are_found_newest_first_with_their_size(tmp_path, a_run):
    a_run(tmp_path, "old", age_days=3)
    a_run(tmp_path, "new", size_bytes=100_000)
    a_run(tmp_path, "middle", age_days=1)
    found = find(tmp_path)
    assert names(found) == ["new", "middle", "old"]
    assert found.runs[0].size_bytes >= 100_000 > found.runs[1].size_bytes
    assert not found.left


def test_only_run_directories_are_found(tmp_path, a_run):
    a_run(tmp_path, "run")
    a_run(tmp_path / "deeper", "run")
    (tmp_path / "file").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "other" / "timing").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "run")
    assert names(find(tmp_path)) == ["run"]
    assert not find(tmp_path).left


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{}", "damaged"),
        ('{"name": "a job of another tool", "status": "done"}', "damaged"),
        ('{"schema": 1, "kind": "load", "status": "finished"}', "damaged"),
        ('{"schema": 1, "kind": "deployment", "status": "finished"}', "of another kind"),
        ('{"schema": 1, "kind": "load", "status": "finished", "product": "another"}', "of another kind"),
        ('{"schema": 2, "kind": "load", "product": "asset-harness"}', "schema 2"),
        ("", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_a_folder_with_a_document_that_is_not_ours_is_left_and_named(tmp_path, content, reason):
    for name in ("memory", "cpu", "timing"):
        path = tmp_path / "theirs"
        (path / name).mkdir(parents=True)
    (path / "run.json").write_text(content)
    (path / "memory" / "memory.bin").write_text("precious")
    found = find(aged(path, 99).parent)
    assert not found.runs
    assert reason in reasons(found)["theirs"]


def test_a_document_that_is_no_file_is_not_looked_into(tmp_path):
    for name, make in (("pipe", os.mkfifo), ("folder", os.mkdir)):
        (tmp_path / name).mkdir()
        make(tmp_path / name / "run.json")
    found = find(tmp_path)
    assert not found.runs
    assert not found.left


@pytest.mark.parametrize(
    "place", ["notes.txt", "timing/analysis.ipynb", "cpu/profile.py", "data/x", "timing/old/run.json"]
)
def test_a_run_that_holds_a_file_of_the_user_is_left_and_names_it(tmp_path, a_run, place):
    path = a_run(tmp_path, "run", age_days=99)
    (path / place).parent.mkdir(exist_ok=True)
    (path / place).write_text("precious")
    found = find(tmp_path)
    assert not found.runs
    assert "which the harness does not write" in reasons(found)["run"]


def test_a_link_within_a_run_is_of_the_user_and_nothing_behind_it_is_touched(tmp_path, a_run):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.log").write_text("kept")
    path = a_run(tmp_path / "runs", "run", age_days=99)
    shutil.rmtree(path / "timing")
    (path / "timing").symlink_to(outside)
    assert main(["clean", "--out", str(tmp_path / "runs")]) is ExitCode.OK
    assert (outside / "precious.log").exists()
    assert path.exists()


def test_runs_of_an_older_harness_name_no_product_and_are_known_by_their_whole_document(tmp_path, a_run):
    path = a_run(tmp_path, "old")
    content = json.loads((path / "run.json").read_text())
    del content["product"]
    (path / "run.json").write_text(json.dumps(content))
    assert names(find(tmp_path)) == ["old"]
    del content["plan"]
    (path / "run.json").write_text(json.dumps(content))
    assert not find(tmp_path).runs


def test_searches_and_sessions_are_found_as_runs_are(tmp_path):
    search = RunDirectory.create(tmp_path, "capacity", "", "capacity")
    search.write(document([]))
    make_run(search.path / "probes", duration_s=1.0, rate_per_s=10.0)
    session = SessionFolder(tmp_path, "gate")
    session.write(receipt())
    session.finish()
    ablation = SessionFolder(tmp_path, "ablate", folder.ABLATION)
    (ablation.path / "l1.json").write_bytes(msgspec.json.encode(receipt()))
    ablation.finish()
    old = SessionFolder(tmp_path, "compare")
    old.write(receipt())
    (old.path / "run.json").unlink()
    paths = [search.path, session.path, ablation.path, old.path]
    assert sorted(names(find(tmp_path))) == sorted(path.name for path in paths)
    for path in paths:
        (path / "mine.txt").touch()
    assert sorted(reasons(find(tmp_path))) == sorted(path.name for path in paths)


def test_where_there_is_no_folder_there_are_no_runs(tmp_path):
    assert not find(tmp_path / "missing").runs


@pytest.fixture
def parent(tmp_path, a_run):
    """Two runs, one of them old, among things that are not ours."""
    parent = tmp_path / "runs"
    a_run(parent, "old", age_days=20)
    a_run(parent, "new")
    outside = a_run(tmp_path, "outside", age_days=99)
    (parent / "link").symlink_to(outside)
    (parent / "report.html").write_text("kept")
    (parent / "data").mkdir()
    (parent / "data" / "precious").write_text("kept")
    (parent / "theirs" / "memory").mkdir(parents=True)
    (parent / "theirs" / "run.json").write_text("{}")
    aged(parent / "theirs", 99)
    return parent


def clean(parent, *options, capsys):
    assert main(["clean", "--out", str(parent), "--json", *options]) is ExitCode.OK
    return json.loads(capsys.readouterr().out)


def test_the_command_removes_old_runs_and_touches_nothing_else(parent, capsys):
    said = clean(parent, capsys=capsys)
    assert said["removed"] == [str(parent / "old")]
    assert sorted(path.name for path in parent.iterdir()) == ["data", "link", "new", "report.html", "theirs"]
    assert (parent / "data" / "precious").read_text() == "kept"
    assert (parent.parent / "outside" / "run.json").exists()
    assert said["freed_bytes"] > 0
    assert [left["dir"] for left in said["left"]] == [str(parent / "theirs")]


def test_a_dry_run_removes_nothing(parent, capsys):
    said = clean(parent, "--dry-run", capsys=capsys)
    assert said["removed"] == [str(parent / "old")]
    assert said["dry_run"] is True
    assert (parent / "old" / "run.json").exists()


def test_a_shorter_age_removes_more(parent, capsys):
    said = clean(parent, "--older-than", "0s", capsys=capsys)
    assert sorted(said["removed"]) == sorted([str(parent / "new"), str(parent / "old")])


def test_size_alone_decides_too(parent, a_run, capsys):
    a_run(parent, "huge", age_days=1, size_bytes=3 * 2**20)
    said = clean(parent, "--keep-mib", "2", "--older-than", "9000h", capsys=capsys)
    assert sorted(said["removed"]) == sorted([str(parent / "huge"), str(parent / "old")])


def test_what_cannot_be_removed_is_named_and_the_rest_goes(parent, a_run, monkeypatch, capsys):
    a_run(parent, "older", age_days=30)
    remove = shutil.rmtree

    def refuse_one(path):
        if path.name == "older":
            raise PermissionError(13, "Permission denied", str(path))
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", refuse_one)
    assert main(["clean", "--out", str(parent), "--json"]) is ExitCode.FAILED
    said = json.loads(capsys.readouterr().out)
    assert said["removed"] == [str(parent / "old")]
    assert (
        "Permission denied" in {left["dir"]: left["reason"] for left in said["left"]}[str(parent / "older")]
    )


def test_a_run_in_progress_stays_until_a_day_has_passed_without_its_end(tmp_path):
    cases = (("young", "running", 0.001), ("dead", "running", 1.1), ("ended", "finished", 0.001))
    for name, status, age_days in cases:
        path = make_run(tmp_path / name)
        written = RunDirectory(path).read()
        written.status = status
        RunDirectory(path).write(written)
        aged(path, age_days)
    assert [name for name, *_ in cases if find(tmp_path / name).runs] == ["dead", "ended"]
    assert ["may be running" in why for why in reasons(find(tmp_path / "young")).values()] == [True]


def test_what_was_cut_off_before_anything_was_measured_goes_when_a_day_has_passed(tmp_path):
    begun = [
        RunDirectory.create(tmp_path, "steady", "", kind).path
        for kind in ("load", "micro", "profile", "capacity")
    ]
    begun += [SessionFolder(tmp_path, "gate").path, SessionFolder(tmp_path, "ablate", folder.ABLATION).path]
    half_made = tmp_path / ".20261130T023513Z-steady-ad1696.ad1696"
    half_made.mkdir()
    begun.append(half_made)
    assert not find(tmp_path).runs
    for path in begun:
        aged(path, 1.1)
    assert sorted(names(find(tmp_path))) == sorted(path.name for path in begun)
