"""`examples/github-gate-shards.yml`: its jobs are played with receipts of known verdict."""

import os
import shutil
import subprocess
import sys

import msgspec
import pytest

from harness.cli import make_parser
from harness.judge.looks import Looks
from harness.session.receipt import Shard
from harness.session.receipt_file import write_receipt
from harness.session.shards import share_of
from tests.project.test_examples import COMMENT, GATE, commands_of, document
from tests.support.judge import POLICY, Simulation
from tests.support.readme import ROOT

SHARDS = GATE.with_name("github-gate-shards.yml")
JOBS = document(SHARDS)["jobs"]


def step(job, name):
    (found,) = (
        one for one in JOBS[job]["steps"] if name in (one.get("name"), one.get("uses", "").partition("@")[0])
    )
    return found


def test_it_takes_the_place_of_the_workflow_without_shards():
    ours, plain = document(SHARDS), document(GATE)
    for key in ("name", True, "permissions", "env"):
        assert ours[key] == plain[key]
    (gate,) = plain["jobs"].values()
    assert JOBS["shard"]["steps"][:3] == gate["steps"][:3]
    # The comment and the number are where the second workflow looks for them.
    assert JOBS["judge"]["steps"][-2:] == gate["steps"][-2:]
    assert step("judge", "actions/upload-artifact")["with"]["name"] == next(
        one["with"]["name"] for one in document(COMMENT)["jobs"]["comment"]["steps"] if "uses" in one
    )


def test_each_job_of_the_matrix_measures_its_share_and_none_decides_alone():
    strategy, gate = JOBS["shard"]["strategy"], step("shard", "gate")
    assert strategy["fail-fast"] is False
    assert strategy["matrix"]["shard"] == list(range(1, len(strategy["matrix"]["shard"]) + 1))
    assert gate["env"] == {"SHARD": "${{ matrix.shard }}/${{ strategy.job-total }}"}
    (words,) = commands_of(gate["run"].replace("$SHARD", "2/4"))
    args = make_parser(words).parse_args(words)
    assert args.shard == Shard(number=2, count=4)
    assert args.report_only
    upload = step("shard", "actions/upload-artifact")
    assert (upload["if"], upload["with"]["path"]) == ("always()", str(args.out))
    download = step("judge", "actions/download-artifact")["with"]
    assert upload["with"]["name"].startswith(download["pattern"].removesuffix("*"))
    assert (JOBS["judge"]["needs"], JOBS["judge"]["if"]) == ("shard", "${{ !cancelled() }}")


def judged(folder, lost=0):
    """Lay the artefacts of two shards out as they are downloaded, and run the step that judges; return its exit code."""
    names = ["bench_a", "bench_b", "bench_c"]
    for number in (1, 2):
        shard = Shard(number=number, count=2, names=names)
        simulation = Simulation({name: 0.06 * (name == "bench_b") for name in share_of(shard)}, seed=number)
        simulation.receipt.shard = shard
        receipt = simulation.run(Looks(POLICY))
        receipt.policy = msgspec.to_builtins(POLICY)
        place = (
            folder
            / step("judge", "actions/download-artifact")["with"]["path"]
            / f"shard-{number}"
            / "20270101-gate"
        )
        place.mkdir(parents=True)
        write_receipt(place / "receipt.json", receipt)
    if lost:
        shutil.rmtree(folder / "shards" / f"shard-{lost}")
    (folder / "harness").write_text(f'#!/bin/sh\nexec {sys.executable} -m harness "$@" --no-report\n')
    (folder / "harness").chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    script = step("judge", "judge")["run"]
    return subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, check=False).returncode


@pytest.mark.parametrize(("lost", "code"), [(0, 3), (1, 5), (2, 3)])
def test_one_job_judges_all_shards_and_a_missing_one_never_passes(tmp_path, lost, code):
    """The benchmark that regressed is in the first shard."""
    assert judged(tmp_path, lost) == code
    # In the folder that the next step uploads.
    assert len(list((tmp_path / "performance").iterdir())) == 1
