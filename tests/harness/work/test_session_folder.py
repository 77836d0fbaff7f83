"""The folder of a session: always new, and gone if nothing was measured."""

import pytest

from harness.errors import HarnessError
from harness.session.receipt_file import read_receipt
from harness.work.session_folder import SessionFolder
from tests.support.judge import receipt


def test_every_session_gets_a_new_folder_that_names_its_command(tmp_path):
    folders = {SessionFolder(tmp_path / "runs", "gate").path for _ in range(5)}
    assert len(folders) == 5
    assert all(folder.is_dir() and "-gate-" in folder.name for folder in folders)


def test_the_receipt_is_replaced_as_a_whole(tmp_path):
    folder = SessionFolder(tmp_path, "compare")
    folder.write(receipt(seed=1))
    folder.write(receipt(seed=2))
    assert read_receipt(folder.path).seed == 2
    assert sorted(path.name for path in folder.path.iterdir()) == [".gitignore", "receipt.json", "run.json"]


def test_a_session_that_never_began_leaves_no_folder(tmp_path):
    folder = SessionFolder(tmp_path / "runs", "gate")
    folder.log.write_text("why it did not begin")
    folder.discard_if_empty()
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_session_that_measured_keeps_its_folder(tmp_path):
    folder = SessionFolder(tmp_path, "gate")
    folder.write(receipt())
    folder.discard_if_empty()
    assert folder.receipt_path.exists()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match=r"cannot be made.*--out"):
        SessionFolder(tmp_path / "file", "gate")
