"""`harness report` on stored runs: side by side only where a difference could mean something."""

import gc

import pytest

from harness import cli
from harness.errors import ExitCode
from tests.support.micro_builder import entry, make_micro_run
from tests.support.run_builder import make_run

pytestmark = pytest.mark.usefixtures("no_figures")

HERE = {"cpu": "One CPU", "kernel": "Linux 6.1", "packages": {"boto3": "1.40.0"}}
THERE = HERE | {"cpu": "Another CPU", "packages": {"boto3": "1.41.0"}}


def said(capsys, *words):
    code = cli.main(["report", *map(str, words)])
    return code, capsys.readouterr()


def load_run(folder, environment):
    return make_run(folder, environment=environment)


def micro_run(folder, environment):
    return make_micro_run(folder, entry("bench"), environment=environment)


@pytest.mark.parametrize("make", [load_run, micro_run])
def test_runs_of_two_environments_are_refused_with_both_values_of_what_differs(tmp_path, capsys, make):
    first, second = make(tmp_path / "a", HERE), make(tmp_path / "b", THERE)
    code, printed = said(capsys, first, second, "-o", tmp_path / "r.html")
    assert code == ExitCode.USAGE
    assert "differ in cpu (One CPU against Another CPU), boto3 (1.40.0 against 1.41.0)" in printed.err
    assert "Report each by itself" in printed.err
    assert printed.out == ""
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("make", [load_run, micro_run])
def test_each_of_them_can_be_reported_by_itself(tmp_path, capsys, make):
    code, _ = said(capsys, make(tmp_path / "a", THERE), "-o", tmp_path / "r.html")
    assert code == ExitCode.OK
    assert (tmp_path / "r.html").exists()


def test_a_third_run_is_held_against_the_first_as_well(tmp_path, capsys):
    runs = [load_run(tmp_path / name, facts) for name, facts in (("a", HERE), ("b", HERE), ("c", THERE))]
    code, printed = said(capsys, *runs)
    assert code == ExitCode.USAGE
    assert str(runs[2]) in printed.err


def test_runs_of_one_environment_stand_side_by_side_and_are_said_not_to_be_interleaved(tmp_path, capsys):
    first, second = load_run(tmp_path / "a", HERE), load_run(tmp_path / "b", HERE | {"load_average": [9.0]})
    code, printed = said(capsys, first, second, "-o", tmp_path / "r.html")
    assert code == ExitCode.OK
    assert "not interleaved" in " ".join(printed.out.split())


def test_the_help_says_what_is_refused(capsys):
    with pytest.raises(SystemExit):
        cli.main(["report", "--help"])
    assert "refused side by side (exit code 2)" in " ".join(capsys.readouterr().out.split())


def test_garbage_is_looked_for_again_after_a_report_and_after_one_that_cannot_be_written(tmp_path, capsys):
    run = load_run(tmp_path / "a", HERE)
    assert said(capsys, run, "-o", tmp_path / "r.html")[0] == ExitCode.OK
    assert gc.isenabled()
    (tmp_path / "taken").mkdir()
    assert said(capsys, run, "-o", tmp_path / "taken")[0] != ExitCode.OK
    assert gc.isenabled()
