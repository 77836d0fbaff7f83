"""Several variants in one command: what was measured is kept and reported, whatever becomes of the rest."""

import os
import signal
import subprocess
import sys

import pytest

from harness.errors import ExitCode, UsageError
from harness.run.directory import RunDirectory
from harness.target.spec import parse_spec
from harness.work.servers import Data, data_of
from targets.core_target import DEFAULTS
from tests.support.cli import end_of, inside, sentence_of, started, until_called

TARGET = """
import time


class Target:
    def call(self, event):
        time.sleep(0.001)


def create(variant="plain"):
    if variant == "broken":
        raise RuntimeError("this variant is broken")
    return Target()
"""
BUSY = {ExitCode.OK, ExitCode.INVALID}


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(TARGET)
    return f"{path}:create"


def run(spec, out, *variants, duration="400ms"):
    chosen = [word for variant in variants for word in ("--variant", variant)]
    return ["run", "steady", "--target", spec, *chosen, "--rate", 100, "--duration", duration,
            "--warmup", "100ms", "--out", out, "--json"]  # fmt: skip


def test_a_variant_that_cannot_be_made_keeps_those_before_it_each_in_its_directory_and_all_in_one_report(
    spec, tmp_path
):
    said = inside(tmp_path, *run(spec, tmp_path / "runs", "one", "two", "broken"))
    assert said.code == ExitCode.USAGE
    assert "this variant is broken" in said.error
    runs = said.document["runs"]
    assert [run["variant"] for run in runs] == ["one", "two"]
    assert [run["outcomes"]["completed"] for run in runs] == [40, 40]
    directories = {run["dir"].rpartition("/")[2] for run in runs}
    assert len(directories) == 2
    assert {path.name for path in (tmp_path / "runs").iterdir()} == directories
    report = (tmp_path / said.document["report"]).read_text()
    assert "one" in report
    assert "two" in report


def test_a_first_variant_that_cannot_be_made_leaves_no_directory(spec, tmp_path):
    said = inside(tmp_path, *run(spec, tmp_path / "runs", "broken", "fine"))
    assert said.code == ExitCode.USAGE
    assert "this variant is broken" in sentence_of(said.document)
    assert list((tmp_path / "runs").iterdir()) == []


def test_ctrl_c_in_the_first_variant_does_not_begin_the_second(spec, tmp_path):
    with started(*run(spec, tmp_path / "runs", "one", "two", duration="60s")) as process:
        until_called(tmp_path / "runs", process)
        process.send_signal(signal.SIGINT)
        said = end_of(process)
    assert said.code == ExitCode.INTERRUPTED
    assert said.run["variant"] == "one"
    assert said.run["interrupted"] is True
    assert len(list((tmp_path / "runs").iterdir())) == 1


@pytest.fixture(scope="module")
def invalid(tmp_path_factory):
    """An invalid run whose JSON document found no reader: the finished process, and the run's directory."""
    out = tmp_path_factory.mktemp("invalid")
    reader, writer = os.pipe()
    os.close(reader)
    words = ["run", "steady", "--target", "known:failing?every=1", "--rate", "100", "--duration", "300ms",
             "--warmup", "0s", "--out", out, "--json"]  # fmt: skip
    try:
        done = subprocess.run(
            [sys.executable, "-m", "harness", *words],
            stdout=writer, stderr=subprocess.PIPE, text=True, timeout=90, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)
    (directory,) = out.iterdir()
    return done, RunDirectory(directory)


def test_a_reader_that_has_gone_does_not_turn_an_invalid_run_into_a_success(invalid):
    done, _ = invalid
    assert done.returncode == ExitCode.INVALID
    assert "Traceback" not in done.stderr


def test_a_stored_run_that_was_interrupted_and_is_invalid_is_reported_as_invalid(invalid, tmp_path):
    _, directory = invalid
    stored = directory.read()
    stored.interrupted = True
    directory.write(stored)
    assert inside(tmp_path, "report", directory.path, "--json").code == ExitCode.INVALID


ASSETS = "id,type,name\nhost:a,host,A\nhost:b,host,B\n"


def test_a_run_on_an_inventory_of_ones_own_measures_that_and_a_bad_line_ends_it_before_a_server_starts(
    tmp_path,
):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(ASSETS)
    bad.write_text(ASSETS + "host:c,boat,C\n")
    usual = ["run", "asset-read", "--backends", "memory", "--rate", 50, "--duration", "400ms", "--warmup", "100ms",
             "--out", tmp_path / "runs", "--json"]  # fmt: skip
    said = inside(tmp_path, *usual, "--target", f"asset-core?latency_ms=0&data={good}")
    assert said.code in BUSY
    assert said.run["outcomes"]["completed"] == 20
    # On servers, that is to say without being told otherwise.
    said = inside(
        tmp_path, "run", "asset-read", "--out", tmp_path / "none", "--target", f"asset-core?data={bad}"
    )
    assert said.code == ExitCode.USAGE
    assert (
        f"{bad}: 1 line cannot be used, so nothing is loaded\n  line 4: type: must be one of" in said.stderr
    )
    assert "Servers" not in said.stderr


def test_servers_are_given_the_data_that_the_target_asks_for():
    assert data_of(parse_spec("asset-core?seed=3&data=medium")) == Data("medium", 3)
    assert data_of(parse_spec("asset-core")) == Data(DEFAULTS["data"], int(DEFAULTS["seed"]))
    with pytest.raises(UsageError, match="one"):
        data_of(parse_spec("asset-core?seed=one"))


@pytest.mark.parametrize("command", [("run", "asset-read"), ("capacity", "asset-read", "--slo", "p99<1s")])
def test_every_command_fills_the_servers_with_what_the_target_asks_for_whatever_its_own_seed(
    command, tmp_path
):
    words = ("--seed", 9, "--out", tmp_path, "--target", "asset-core?data=none.jsonl&seed=one")
    said = inside(tmp_path, *command, *words)
    assert (said.code, "seed 'one' is not a number" in said.stderr) == (ExitCode.USAGE, True)
    said = inside(tmp_path, *command, "--out", tmp_path, "--target", "asset-core?data=none.jsonl")
    assert (said.code, "none.jsonl" in said.stderr) == (ExitCode.USAGE, True)
    assert "Servers" not in said.stderr
