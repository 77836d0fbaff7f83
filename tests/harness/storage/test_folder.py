"""Whatever moment its maker is killed at, a folder of the harness says whose it is and what it holds."""

import json
import os
from pathlib import Path

import pytest

from harness.calibrate.effects import Trial
from harness.calibrate.state import CalibrationState
from harness.cli import main
from harness.errors import ExitCode, InvalidRunError
from harness.run.directory import RunDirectory
from harness.session.receipt_file import read_receipt
from harness.storage import folder
from harness.work.session_folder import SessionFolder
from tests.support.cli import sentence_of

MAKERS = {
    **{kind: lambda parent, kind=kind: RunDirectory.create(parent, "steady", "", kind) for kind in
       ("load", "micro", "profile", "capacity")},
    folder.SESSION: lambda parent: SessionFolder(parent, "gate"),
    folder.ABLATION: lambda parent: SessionFolder(parent, "ablate", folder.ABLATION),
    folder.CALIBRATION: lambda parent: CalibrationState(parent).new_folder(Trial("same", 40, 1)),
}  # fmt: skip


class Killed(BaseException):
    """No handler takes it and nothing is cleaned up, as after SIGKILL."""


@pytest.fixture
def kill_at(monkeypatch):
    """Return what lets the process die instead of the n-th change that it makes to the disk."""

    def arm(moment):
        left = [moment]

        def dying(change):
            def changed(*words, **names):
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
                return change(*words, **names)

            return changed

        for owner, name in (
            (Path, "mkdir"),
            (Path, "write_bytes"),
            (Path, "replace"),
            (Path, "rename"),
            (os, "mkdir"),
        ):
            monkeypatch.setattr(owner, name, dying(getattr(owner, name)))

    return arm


@pytest.mark.parametrize("kind", MAKERS)
def test_a_folder_is_never_seen_without_its_head(tmp_path, kill_at, monkeypatch, kind):
    for moment in range(12):
        parent = tmp_path / str(moment)
        with monkeypatch.context():
            kill_at(moment)
            try:
                MAKERS[kind](parent)
                survived = True
            except Killed:
                survived = False
            monkeypatch.undo()
        seen = [path for path in parent.glob("*") if not path.name.startswith(".")] if parent.exists() else []
        heads = [folder.read_head(path) for path in seen]
        assert heads == [folder.Head(kind=kind, status=folder.STARTED, product=folder.PRODUCT)] * len(seen)
        if survived:
            break
    assert survived
    assert moment > 2


@pytest.mark.parametrize("words", [["report"], ["export"]])
def test_a_run_that_was_cut_off_before_it_began_is_one_sentence(tmp_path, words, capsys):
    for kind in ("load", "micro", "profile", "capacity"):
        path = RunDirectory.create(tmp_path, "steady", "", kind).path
        assert main([*words, str(path), "--json"]) is ExitCode.INVALID
        said = json.loads(capsys.readouterr().out)
        assert said["error"]["exit_code"] == 5
        assert "Nothing was measured here" in sentence_of(said)


@pytest.mark.parametrize("kind", [folder.SESSION, folder.CALIBRATION])
def test_a_session_that_was_cut_off_before_its_first_block_is_one_sentence(tmp_path, kind, capsys):
    made = MAKERS[kind](tmp_path)
    path = made if isinstance(made, Path) else made.path
    with pytest.raises(InvalidRunError, match="Nothing was measured here"):
        read_receipt(path)
    assert main(["judge", str(path), "--json"]) is ExitCode.INVALID
    assert "harness clean" in sentence_of(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("kind", [folder.SESSION, folder.ABLATION, folder.CALIBRATION])
def test_a_folder_of_receipts_is_no_run_and_says_what_it_is(tmp_path, kind, capsys):
    made = MAKERS[kind](tmp_path)
    path = made if isinstance(made, Path) else made.path
    folder.finish(path, kind)
    for words in (["report"], ["export"]):
        assert main([*words, str(path), "--json"]) is ExitCode.INVALID
        assert kind in sentence_of(json.loads(capsys.readouterr().out))


def test_what_is_in_a_folder_of_the_same_name_is_not_replaced(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "precious").touch()
    with pytest.raises(folder.HarnessError, match="cannot be made"):
        folder.make(tmp_path / "taken", "load")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
