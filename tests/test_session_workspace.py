"""The private folder of a session."""

import subprocess
import sys
import tempfile

import pytest

from harness.errors import HarnessError
from harness.session.workspace import private_folder, remove_abandoned

HOLD = """import os, sys
from harness.session.workspace import private_folder
with private_folder() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_the_folder_is_gone_whatever_ends_the_block(tmp_path):
    def interrupted():
        with private_folder() as folder:
            (folder / "file").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_living_sessions_folder_stays_and_a_killed_ones_is_removed_by_the_next(tmp_path):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        folder = other.stdout.readline().strip()
        assert remove_abandoned(tmp_path) == []
        other.kill()
        other.wait()
        with private_folder():
            assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
    assert folder.startswith(str(tmp_path))


def test_a_folder_without_a_lock_is_left_alone(tmp_path):
    (tmp_path / "harness-session-starting").mkdir()
    assert remove_abandoned(tmp_path) == []


def test_no_place_for_the_folder_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(HarnessError, match="cannot be made"), private_folder():
        pass
