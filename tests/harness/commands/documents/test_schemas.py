"""The published schemas: of every command, current, and complete for what the commands print."""

import json

import msgspec
import pytest

from harness.calibrate.digest import gate_digest
from harness.calibrate.state import CalibrationState
from harness.cli import COMMANDS, PassedOn
from harness.commands.documents.schemas import DOCUMENTS, text_of
from harness.judge.verdict import Verdict
from harness.run.directory import RunDirectory
from harness.session.receipt_file import write_receipt
from harness.work import checks
from tests.support.calibration import outcome
from tests.support.capacity_builder import counted, document, probe
from tests.support.cli import inside
from tests.support.judge import POLICY, count, simulated
from tests.support.micro_builder import entry, make_micro_run
from tests.support.other_tools import jtl, written
from tests.support.profile_builder import CALM, SLOWER, Made, store
from tests.support.run_builder import make_run
from tests.support.schemas import FOLDER, check

CPU = {"cpu": {"file": "cpu/cpu.folded", "facts": {"rate_got_hz": 100.0, "samples": 30}}}


def test_every_command_has_a_schema_that_is_current():
    names = {command.name for command in COMMANDS if not isinstance(command, PassedOn)}
    assert set(DOCUMENTS) == names
    assert {path.stem for path in FOLDER.glob("*.json")} == names
    old = [name for name in names if (FOLDER / f"{name}.json").read_text() != text_of(name)]
    assert not old, "write them again: python -m harness.commands.documents.schemas docs/schemas"


def load_run(folder):
    stages = (("one", 1, 1.0, 1.0), ("two", 1, 2.0, 0.5))
    return "report", make_run(folder, fail_share=0.1, stages=stages, profiles=CPU)


def sides(folder):
    return "report", store(folder, Made("base", CALM)).path, store(folder, Made("new", SLOWER)).path


def search(folder):
    directory = RunDirectory.create(folder, "steady", "", "capacity")
    directory.write(document([probe(50, "held"), counted(100, 80), probe(200, "broke")]))
    return "report", directory.path


def session(folder):
    receipt = simulated({"a": 0.08, "b": 0.0})
    receipt = msgspec.structs.replace(
        receipt, policy=msgspec.to_builtins(POLICY), counts=[count([1, 1], [2, 2])]
    )
    write_receipt(folder / "receipt.json", receipt)
    return "judge", folder / "receipt.json"


def card(folder):
    state = CalibrationState(folder / "state")
    state.folder.mkdir()
    state.add(outcome("same", Verdict.OK, gate=gate_digest()))
    return "calibrate", "--show", "--state", state.folder


CASES = {
    "a load run": load_run,
    "a suite": lambda folder: ("report", make_micro_run(folder, entry("bench/test_a.py::test_a"))),
    "profiles of two sides": sides,
    "a search": search,
    "results of another tool": lambda folder: (
        "import",
        written(folder, "load.jtl", jtl(*[("buy", 10, "true")] * 30)),
    ),
    "a session": session,
    "a card": card,
    "an index": lambda folder: ("index", make_run(folder / "runs").parent),
    "an export": lambda folder: ("export", make_run(folder)),
    "an inventory": lambda _: ("list",),
    "a removal": lambda _: ("clean",),
    "an error": lambda _: ("run", "no-such-scenario"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_schema_names_every_key_of(tmp_path, case):
    folder = tmp_path / "project"
    folder.mkdir()
    command, *words = CASES[case](folder)
    said = inside(folder, command, *words, "--json")
    check(json.loads(said.stdout), command, complete=True)


def test_the_schema_names_every_key_of_a_diagnosis_and_of_a_start(tmp_path, monkeypatch):
    # What the checks find is not at stake, and finding it takes seconds.
    monkeypatch.setattr(
        "harness.commands.doctor.CHECKS", [lambda: checks.Finding("clock", True, "It ticks.")]
    )
    check(json.loads(inside(tmp_path, "doctor", "--json").stdout), "doctor", complete=True)
    (tmp_path / "shop.py").write_text("from flask import Flask\n\napp = Flask(__name__)\n")
    said = inside(tmp_path, "init", "--json")
    assert said.code == 0, said.stderr
    check(json.loads(said.stdout), "init", complete=True)


def test_a_key_that_is_missing_or_unknown_or_of_another_type_is_found(tmp_path):
    said = inside(tmp_path, "clean", "--json").document
    for wrong in (
        {**said, "freed_bytes": "0"},
        {name: said[name] for name in said if name != "left"},
        {"schema": 1, "error": "a sentence"},
    ):
        with pytest.raises(AssertionError, match=r"docs/schemas/clean\.json"):
            check(wrong, "clean")
    with pytest.raises(AssertionError, match="more"):
        check({**said, "more": 1}, "clean", complete=True)
