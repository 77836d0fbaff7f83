"""What is read of a project's files, whatever they hold."""

import contextlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.work.start.modules import python_files, read_modules
from harness.work.start.proposal import propose
from tests.support.little_projects import DJANGO, SAM, write
from tests.support.paths import ROOT

TEXTS = [
    *(path.read_text() for path in sorted((ROOT / "examples").rglob("*.py"))),
    *(text for text in DJANGO.values() if text),
]
LINES = sorted({line for text in TEXTS for line in text.splitlines()})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(LINES) | st.text(max_size=12), max_size=40),
    st.sampled_from(["app.py", "mysite/urls.py", "a/b.py"]),
)
def test_no_file_is_an_error(tmp_path_factory, lines, name):
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    folder = write(tmp_path_factory.mktemp("project"), DJANGO)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(text)
    with contextlib.suppress(UsageError):
        propose(folder)


@given(st.sampled_from(TEXTS), st.integers(0, 4_000), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_a_file_that_is_being_written_is_no_error(tmp_path_factory, text, place, count):
    folder = tmp_path_factory.mktemp("project")
    (folder / "app.py").write_text(text[:place] + text[place + count :])
    with contextlib.suppress(UsageError):
        propose(folder)


def test_links_in_a_circle_pipes_and_files_without_permission_are_left_alone(tmp_path):
    write(tmp_path, SAM)
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "gone.py").symlink_to("nowhere")
    (tmp_path / "folder.py").mkdir()
    assert set(read_modules(tmp_path)) == {"orders.app"}


@pytest.mark.parametrize(
    "folder", [".venv", "node_modules", "build", "venv", "site-packages", "__pycache__", "mine"]
)
def test_environments_and_builds_are_no_part_of_the_project(tmp_path, folder):
    write(tmp_path, {f"{folder}/app.py": "", "mine/pyvenv.cfg": "", "b.py": ""})
    assert [str(path) for path in python_files(tmp_path)] == ["b.py"]
