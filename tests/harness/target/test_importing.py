"""Where the user's packages are looked for: last, in the current folder and its `src/`."""

import asyncio
import sys
from pathlib import Path

import pytest

from harness.errors import TargetError
from harness.target.importing import append_current_folder, told
from tests.support.little_projects import write


@pytest.mark.parametrize(
    ("files", "added"),
    [
        ({"src/shop/__init__.py": ""}, ["", "src"]),
        ({"src/__init__.py": ""}, [""]),
        ({"shop/__init__.py": ""}, [""]),
    ],
    ids=["a source folder", "a package that is called src", "no source folder"],
)
def test_packages_in_a_source_folder_need_not_be_installed(tmp_path, monkeypatch, files, added):
    monkeypatch.chdir(write(tmp_path, files))
    monkeypatch.setattr(sys, "path", before := [*sys.path])
    before = [*before]
    append_current_folder()
    assert sys.path == [*before, *(str(Path(tmp_path, folder)) for folder in added)]


def test_what_needs_a_loop_too_early_is_told_where_to_go():
    with pytest.raises(TargetError, match="async def open") as caught, told("It failed", "Correct it"):
        asyncio.get_running_loop()
    assert "no running event loop" in str(caught.value)
