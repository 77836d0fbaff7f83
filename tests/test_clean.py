"""Retention: which runs go, and that nothing else does."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.commands.clean import StoredRun, choose, find
from harness.errors import ExitCode
from harness.run import RunDirectory
from tests.run_builder import make_run

DAY_S = 86_400.0
RUNS = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 100)), max_size=12)


def stored(*runs):
    """Runs as `find` returns them, newest first."""
    return [
        StoredRun(Path(str(number)), modified_s, size)
        for number, (modified_s, size) in enumerate(sorted(runs, reverse=True))
    ]


def a_run(parent, name, age_days=0.0, size_bytes=0):
    path = parent / name
    (path / "timing").mkdir(parents=True)
    (path / "timing" / "calls.npy").write_bytes(b"x" * size_bytes)
    document = path / "run.json"
    document.write_text("{}")
    moment_s = document.stat().st_mtime - age_days * DAY_S
    os.utime(document, (moment_s, moment_s))
    return path


def names(runs):
    return [run.path.name for run in runs]


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


def test_runs_are_found_newest_first_with_their_size(tmp_path):
    a_run(tmp_path, "old", age_days=3)
    a_run(tmp_path, "new", size_bytes=100_000)
    a_run(tmp_path, "middle", age_days=1)
    runs = find(tmp_path)
    assert names(runs) == ["new", "middle", "old"]
    assert runs[0].size_bytes >= 100_000 > runs[1].size_bytes


def test_only_run_directories_are_found(tmp_path):
    a_run(tmp_path, "run")
    a_run(tmp_path / "deeper", "run")
    (tmp_path / "file").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "run.json").touch()
    (tmp_path / "other" / "timing").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "run")
    assert names(find(tmp_path)) == ["run"]


def test_where_there_is_no_folder_there_are_no_runs(tmp_path):
    assert find(tmp_path / "missing") == []


@pytest.fixture
def parent(tmp_path):
    """Two runs, one of them old, among things that are not ours."""
    parent = tmp_path / "runs"
    a_run(parent, "old", age_days=20)
    a_run(parent, "new")
    outside = a_run(tmp_path, "outside", age_days=99)
    (parent / "link").symlink_to(outside)
    (parent / "report.html").write_text("kept")
    (parent / "data").mkdir()
    (parent / "data" / "precious").write_text("kept")
    return parent


def clean(parent, *options, capsys):
    assert main(["clean", "--out", str(parent), "--json", *options]) is ExitCode.OK
    return json.loads(capsys.readouterr().out)


def test_the_command_removes_old_runs_and_touches_nothing_else(parent, capsys):
    said = clean(parent, capsys=capsys)
    assert said["removed"] == [str(parent / "old")]
    assert sorted(path.name for path in parent.iterdir()) == ["data", "link", "new", "report.html"]
    assert (parent / "data" / "precious").read_text() == "kept"
    assert (parent.parent / "outside" / "run.json").exists()
    assert said["freed_bytes"] > 0


def test_a_dry_run_removes_nothing(parent, capsys):
    said = clean(parent, "--dry-run", capsys=capsys)
    assert said["removed"] == [str(parent / "old")]
    assert said["dry_run"] is True
    assert (parent / "old" / "run.json").exists()


def test_a_shorter_age_removes_more(parent, capsys):
    said = clean(parent, "--older-than", "0s", capsys=capsys)
    assert sorted(said["removed"]) == sorted([str(parent / "new"), str(parent / "old")])


def test_size_alone_decides_too(parent, capsys):
    a_run(parent, "huge", age_days=1, size_bytes=3 * 2**20)
    said = clean(parent, "--keep-mib", "2", "--older-than", "9000h", capsys=capsys)
    assert sorted(said["removed"]) == sorted([str(parent / "huge"), str(parent / "old")])


def test_a_run_in_progress_stays_until_a_day_has_passed_without_its_end(tmp_path):
    cases = (("young", "running", 0.001), ("dead", "running", 1.1), ("ended", "finished", 0.001))
    for name, status, age_days in cases:
        path = make_run(tmp_path / name)
        document = RunDirectory(path).read()
        document.status = status
        RunDirectory(path).write(document)
        moment_s = time.time() - age_days * DAY_S
        os.utime(path / "run.json", (moment_s, moment_s))
    assert [name for name, *_ in cases if find(tmp_path / name)] == ["dead", "ended"]
