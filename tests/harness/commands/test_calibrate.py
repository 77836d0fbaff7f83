"""`harness calibrate` from the command line: what it shows of what there is, and what it refuses."""

import json
import re

import msgspec
import pytest

from harness.calibrate.digest import gate_digest
from harness.calibrate.effects import TRIALS
from harness.calibrate.state import CalibrationState
from harness.cli import main
from harness.judge.verdict import Verdict
from tests.support.calibration import outcome


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = CalibrationState(tmp_path / "state")
    found.folder.mkdir()
    return found


def show(state, capsys, *words):
    code = main(["calibrate", "--show", "--state", str(state.folder), *words])
    return code, *capsys.readouterr()


def gate_row(out, effect):
    """Return the line of the gate below what was done."""
    lines = [line.strip() for line in out.splitlines()]
    return lines[lines.index(effect) + 1]


def test_without_a_session_it_says_so_and_writes_no_card(state, capsys, tmp_path):
    code, out, said = show(state, capsys)
    assert (code, out) == (0, "")
    assert "No finished session" in said
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_the_card_says_how_often_the_gate_alarmed_and_within_which_bounds(state, capsys):
    state.add(outcome("same", *[Verdict.OK] * 19, Verdict.REGRESSED, gate=gate_digest()))
    code, out, _ = show(state, capsys)
    assert code == 0
    row = gate_row(out, "nothing")
    assert row.split()[2:10] == ["1", "20", "5.0", "%", "0.1", "to", "24.9", "%"]
    assert "at most 1 %" in row


def test_what_was_really_added_stands_beside_what_the_gate_saw(state, capsys):
    slower = outcome("slower-5%", Verdict.REGRESSED, gate=gate_digest())
    (one,) = slower.outcomes
    one = msgspec.structs.replace(one, added=0.0523, change=0.0415)
    state.add(msgspec.structs.replace(slower, outcomes=[one]))
    state.add(outcome("same", Verdict.OK, gate=gate_digest()))
    _, out, _ = show(state, capsys)
    assert "+5 % time: added 5.2 %, seen 4.2 %" in " ".join(out.split())
    assert "nothing: " not in out


def test_where_the_machine_withheld_sessions_the_others_are_counted_apart(state, capsys):
    state.add(outcome("slow-tail", *[Verdict.INCONCLUSIVE] * 20, gate=gate_digest(), bad_blocks=0.6))
    state.add(outcome("slow-tail", *[Verdict.REGRESSED] * 20, gate=gate_digest()))
    _, out, _ = show(state, capsys)
    counts = [re.findall(r"(\d+) +(\d+) +\S+ %", line) for line in out.splitlines() if "the gate" in line]
    assert counts[:2] == [[("20", "40")], [("20", "20")]]
    assert "the gate, steady sessions" in out


def test_the_bounds_by_session_and_the_time_to_the_right_verdict_stand_beside_their_goals(state, capsys):
    state.add(outcome("same", Verdict.OK, Verdict.OK, gate=gate_digest()))
    state.add(outcome("slow-tail", Verdict.REGRESSED, Verdict.OK, gate=gate_digest()))
    state.add(outcome("slow-tail", Verdict.REGRESSED, Verdict.REGRESSED, gate=gate_digest()))
    _, out, _ = show(state, capsys)
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert "by session, any alarm 0 1 0.0 % 0.0 to 97.5 % –" in rows
    assert "by session, all found 1 2 50.0 % 1.2 to 98.8 % –" in rows
    assert [row for row in rows if row.startswith(("ok", "regressed"))] == [
        "ok 4 s at most 5 s",
        "regressed 4 s at most 10 s",
    ]


def test_sessions_of_another_state_of_the_gate_are_shown_by_nobody(state, capsys):
    state.add(outcome("same", gate="before"))
    _, _, said = show(state, capsys)
    assert "No finished session" in said


def test_the_document_holds_the_card_and_nothing_else_is_on_stdout(state, capsys):
    state.add(outcome("slower-5%", Verdict.REGRESSED, gate=gate_digest()))
    code, out, _ = show(state, capsys, "--json", "--card", "mine.json")
    found = json.loads(out)
    assert (code, found["schema"], found["file"]) == (0, 1, "mine.json")
    (trial,) = found["card"]["trials"]
    assert (trial["trial"], trial["alarms"]["count"], trial["alarms"]["total"]) == ("slower-5%", 1, 1)


def test_a_trial_that_does_not_exist_is_refused_with_those_that_do(state, capsys):
    code, out, said = show(state, capsys, "--trial", "nonsense")
    assert (code, out) == (2, "")
    assert "no trial 'nonsense'" in said
    assert all(trial.name in said for trial in TRIALS)


def test_what_is_done_already_is_not_done_again(state, capsys, tmp_path):
    for _ in range(3):
        state.add(outcome("slow-tail", gate=gate_digest()))
    code = main(["calibrate", "--trial", "slow-tail", "--state", str(state.folder)])
    assert (code, capsys.readouterr().err.splitlines()[0][:2]) == (0, "0 ")
    assert len(state.outcomes()) == 3


def test_no_time_begins_no_session(state):
    assert main(["calibrate", "--trial", "slow-tail", "--budget", "0s", "--state", str(state.folder)]) == 0
    assert list(state.folder.iterdir()) == []


def test_a_calibration_that_lost_its_folder_keeps_the_rows_of_its_card(state, capsys, tmp_path):
    state.add(outcome("same", *[Verdict.OK] * 20, gate=gate_digest()))
    main(["calibrate", "--trial", "same", "--budget", "0s", "--state", str(state.folder)])
    (state.folder / "sessions.jsonl").unlink()
    state.add(outcome("slow-tail", Verdict.OK, gate=gate_digest()))
    main(["calibrate", "--trial", "slow-tail", "--budget", "0s", "--state", str(state.folder)])
    rows = json.loads((tmp_path / "calibration.json").read_text())["trials"]
    assert [(row["trial"], row["alarms"]["total"]) for row in rows] == [("same", 20), ("slow-tail", 1)]


def test_the_card_of_another_machine_is_refused_and_kept(state, capsys, tmp_path):
    state.add(outcome("slow-tail", Verdict.OK, gate=gate_digest()))
    main(["calibrate", "--trial", "slow-tail", "--budget", "0s", "--state", str(state.folder)])
    kept = (tmp_path / "calibration.json").read_text().replace('"cpu": "', '"cpu": "Other ')
    (tmp_path / "calibration.json").write_text(kept)
    capsys.readouterr()
    assert main(["calibrate", "--trial", "same", "--budget", "0s", "--state", str(state.folder)]) == 2
    said = capsys.readouterr().err
    assert "card of another machine: Other " in said
    assert (tmp_path / "calibration.json").read_text() == kept


def test_a_folder_keeps_a_card_for_each_machine(state, capsys, tmp_path):
    state.add(outcome("slow-tail", Verdict.OK, gate=gate_digest()))
    words = [
        "calibrate",
        "--trial",
        "slow-tail",
        "--budget",
        "0s",
        "--state",
        str(state.folder),
        "--card",
        "kept",
    ]
    main(words)
    (first,) = (tmp_path / "kept").iterdir()
    other = first.read_text().replace('"cpu": "', '"cpu": "Other ')
    first.write_text(other)
    main(words)
    main(words)
    assert len(list((tmp_path / "kept").iterdir())) == 2
    assert first.read_text() == other


def test_a_damaged_card_is_found_before_anything_is_measured(state, capsys, tmp_path):
    (tmp_path / "calibration.json").write_text("{")
    assert main(["calibrate", "--trial", "slow-tail", "--state", str(state.folder)]) == 5
    assert "damaged" in capsys.readouterr().err
    assert list(state.folder.iterdir()) == []
    assert (tmp_path / "calibration.json").read_text() == "{"
