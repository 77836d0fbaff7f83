"""A target's secrets reach the target, and nothing that a command writes or says: every file of every folder is searched."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from harness import cli
from harness.micro.document import End, MicroDocument
from harness.redaction.documents import without_secrets
from harness.redaction.patterns import HIDDEN
from harness.run.directory import RunDirectory
from harness.session.receipt import SCHEMA, Receipt
from harness.session.receipt_file import read_receipt
from tests.support.locust import LOCUSTFILE
from tests.support.run_builder import make_run

CANARIES = ("canary-token-1234", "canary-pass-5678", "canary/key+9012", "canary%2Fkey%2B9012", "canary%2fkey")
SPEC = "mine.py:create?token=canary-token-1234&dsn=postgres://user:canary-pass-5678@h/db&api_key=canary%2Fkey%2B9012"
TARGET = """
import pathlib
import sys

GIVEN = {"token": "canary-token-1234", "dsn": "postgres://user:canary-pass-5678@h/db", "api_key": "canary/key+9012"}

class Shop:
    operations = {"read": 9, "write": 1}

    def __init__(self, given):
        self.given = given
        self.calls = 0
        self.say("made")

    def say(self, what):
        for stream in (sys.stdout, sys.stderr):
            print(what, *self.given.values(), file=stream, flush=True)

    def open(self):
        self.say("opened")

    def make_event(self, operation, rng):
        return operation

    def call(self, event):
        self.calls += 1
        if event == "write" and self.calls % 2:
            raise ConnectionError(f"no answer for {self.given}")
        return event

    def outcome(self, result):
        return "failed" if result == "write" else "completed"

    def failure(self, result):
        return f"refused: {self.given['token']}"

def create(**given):
    given.pop("plain", None)
    assert given == GIVEN, "the target gets what was typed"
    return Shop(given)

def broken(**given):
    raise RuntimeError(f"cannot connect with {given}")
"""
SUITE = """
import pytest

def test_fine(benchmark):
    print("password=canary-pass-5678 and AKIACANARYCANARYCANA")
    benchmark.extra_info["token"] = "canary-token-1234"
    benchmark(len, "a")

def test_fails(benchmark):
    raise ConnectionError("postgres://user:canary-pass-5678@h/db does not answer")
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(TARGET)
    return tmp_path


def harness(monkeypatch, capfd, *words):
    monkeypatch.setattr(sys, "argv", ["harness", *words])
    code = cli.main(words)
    said = capfd.readouterr()
    assert leaks(said.out.encode() + said.err.encode()) == []
    return code, said.out + said.err


def leaks(content):
    wanted = (*CANARIES, "AKIACANARYCANARYCANA")
    return [canary for canary in wanted if canary.encode() in content]


def contents(folder):
    """Yield the name and content of every file, and of every member of an archive."""
    for path in sorted(folder.rglob("*")):
        yield f"the name of {path}", str(path.relative_to(folder)).encode()
        if path.is_file():
            yield str(path), path.read_bytes()
        if path.is_file() and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield from ((f"{path}: {name}", archive.read(name)) for name in archive.namelist())


def assert_clean(folder, *, hides=True):
    found = dict(contents(folder))
    assert found
    assert {name: leaked for name, content in found.items() if (leaked := leaks(content))} == {}
    assert not hides or any(HIDDEN.encode() in content for content in found.values())


def test_a_run_keeps_no_secret(work, monkeypatch, capfd):
    words = ("run", "steady", "--rate", "300", "--duration", "1s", "--warmup", "0s", "--json", "--no-report")
    harness(monkeypatch, capfd, *words, "--target", SPEC)
    (folder,) = (work / "runs").iterdir()
    assert_clean(work / "runs")
    run = json.loads((folder / "run.json").read_text())
    assert run["target"].startswith(f"mine.py:create?token={HIDDEN}-")
    assert HIDDEN in run["command"]
    facts = json.loads((folder / "timing" / "facts.json").read_text())
    assert {failure["what"] for failure in facts["failures"]} == {"ConnectionError", f"refused: {HIDDEN}"}
    harness(monkeypatch, capfd, "report", str(folder), "-o", "again.html")
    harness(monkeypatch, capfd, "export", str(folder), "--format", "csv")
    assert leaks((work / "again.html").read_bytes()) == []


def test_workers_and_a_search_of_the_capacity_keep_no_secret(work, monkeypatch, capfd):
    harness(
        monkeypatch, capfd, "run", "steady", "--target", SPEC, "--rate", "100", "--duration", "1s", "--warmup", "0s",
        "--workers", "2", "--no-report",
    )  # fmt: skip
    words = (
        "capacity",
        "steady",
        "--target",
        SPEC,
        "--slo",
        "errors<0.001%",
        "--rate",
        "50",
        "--budget",
        "6s",
    )
    harness(monkeypatch, capfd, *words)
    assert_clean(work / "runs")


def test_a_comparison_of_two_targets_keeps_no_secret_and_can_be_judged_again(work, monkeypatch, capfd):
    words = ("compare", f"target:{SPEC}", f"target:{SPEC}&plain=y", "--suite", "exact")
    code, _ = harness(monkeypatch, capfd, *words)
    (folder,) = (work / "runs").iterdir()
    assert_clean(folder)
    again, _ = harness(monkeypatch, capfd, "judge", str(folder), "--json")
    assert again == code
    receipt = read_receipt(folder)
    assert receipt.base.spec != receipt.candidate.spec


def test_profiles_of_a_target_keep_no_secret(work, monkeypatch, capfd):
    words = (
        "profile",
        "closed",
        "--target",
        SPEC,
        "--users",
        "1",
        "--duration",
        "1s",
        "--warmup",
        "0s",
        "--rounds",
        "1",
    )
    harness(monkeypatch, capfd, *words)
    assert_clean(work / "runs")


def test_benchmarks_keep_no_secret(work, monkeypatch, capfd):
    (work / "benchmarks").mkdir()
    (work / "benchmarks" / "test_it.py").write_text(SUITE)
    (work / "pyproject.toml").write_text('[tool.harness]\nsuite = "benchmarks"\n')
    code, _ = harness(monkeypatch, capfd, "bench")
    assert code == 5
    assert_clean(work / "runs")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (SPEC.replace("create", "broken"), "cannot connect"),
        (f"{SPEC}&token=canary-token-1234", "has a parameter twice"),
        (f"{SPEC}&nothing", "cannot be read"),
        (SPEC.replace("mine", "missing"), "cannot be imported"),
    ],
)
def test_an_error_says_no_secret(work, monkeypatch, capfd, spec, says):
    words = ("run", "closed", "--target", spec, "--users", "1", "--duration", "1s", "--json")
    code, said = harness(monkeypatch, capfd, *words)
    assert code != 0
    assert says in said
    assert HIDDEN in said or "missing" in said


def test_plain_locust_keeps_no_secret(work):
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "-u", "1", "-r", "1", "-t", "1s"],
        cwd=work, env={**os.environ, "HARNESS_TARGET": SPEC}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    # What the target itself prints into the user's own terminal is the user's.
    said = [
        line for line in f"{done.stdout}{done.stderr}".splitlines() if not line.startswith(("made", "opened"))
    ]
    assert leaks("\n".join(said).encode()) == []
    assert_clean(work / "runs")


def test_the_secrets_of_runs_that_earlier_versions_wrote_are_hidden_when_they_are_read(
    work, monkeypatch, capfd
):
    folder = make_run(work, duration_s=1.0)
    file = folder / "run.json"
    old = json.loads(file.read_text()) | {
        "target": SPEC,
        "command": f"harness run closed --target '{SPEC}'",
        "trouble": ["canary-token-1234 was refused"],
    }
    old["environment"] |= {"GITHUB_TOKEN": "canary-pass-5678", "argv": ["--password", "canary-pass-5678"]}
    file.write_text(json.dumps(old))
    read = RunDirectory(folder).read()
    assert leaks(msgspec.json.encode(read)) == []
    assert read.target.startswith("mine.py:create?token=")
    harness(monkeypatch, capfd, "report", str(folder), "--json", "-o", "old.html")
    assert leaks(Path("old.html").read_bytes()) == []


def test_names_by_which_the_parts_of_a_document_find_each_other_stay():
    name = "test_it.py::test_parse[a?token=first-one]"
    found = MicroDocument(
        suite="benchmarks", variant="", started_at="", command="harness bench --token first-one", environment={},
        planned=[name], ends={name: End("failed", "token=first-one was refused")},
    )  # fmt: skip
    clean = without_secrets(found)
    assert clean.planned == [name]
    assert clean.ends == {name: End("failed", f"token={HIDDEN} was refused")}
    assert clean.command == f"harness bench --token {HIDDEN}"
    assert without_secrets(clean) is clean


def test_secrets_that_a_receipt_was_written_with_are_hidden_when_it_is_read(work):
    fields = {
        "command": f"harness compare 'target:{SPEC}'",
        "started_at": "2026-01-01",
        "seed": 1,
        "suites": [],
        "base": {"spec": f"target:{SPEC}", "label": SPEC},
        "candidate": {"spec": "target:known:noop", "label": "known:noop"},
        "environment": {},
        "policy": {"target": SPEC},
        "policy_sha256": "",
        "plan": {},
        "trouble": ["canary-pass-5678 was refused"],
    }
    Path("receipt.json").write_bytes(msgspec.json.encode({"schema": SCHEMA, **fields}))
    assert msgspec.json.decode(Path("receipt.json").read_bytes(), type=Receipt).policy == {"target": SPEC}
    assert leaks(msgspec.json.encode(read_receipt(Path("receipt.json")))) == []
