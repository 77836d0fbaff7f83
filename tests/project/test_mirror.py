"""The tests of a module are found by its path: `tests/` mirrors the source, and what mirrors nothing has its own folder."""

from pathlib import Path

import pytest

from tests.support.paths import ROOT

TREES = ("harness", "reports", "targets", "scenarios")
BESIDE = ("truth", "project", "running", "support")
"""Folders of `tests/` that mirror nothing: end to end, the repository, how tests are run, what tests share."""
BY_SUBJECT = ("targets/asset_core", "targets/backends", "reports")
"""Folders whose own files are by subject and not by module: each is one thing as seen from outside."""
MOST_LINES = 400


def misplaced(files, source):
    """Return the test files, relative to `tests/`, that belong to no module or folder below `source`."""
    return [str(file) for file in files if not is_in_place(file, source)]


def is_in_place(file, source):
    if file.parts[0] in BESIDE or file.name == "conftest.py":
        return True
    folder = source / file.parent
    if file.parts[0] not in TREES or not folder.is_dir():
        return False
    if str(file.parent) in BY_SUBJECT:
        return True
    subject = file.stem.removeprefix("test_")
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    return any(subject == module or subject.startswith(f"{module.rstrip('_')}_") for module in modules)


def every_file():
    return sorted(path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("*.py"))


def test_every_test_file_is_where_its_module_says():
    tests = [file for file in every_file() if file.name.startswith("test_")]
    assert len(tests) > 150
    assert misplaced(tests, ROOT) == []


def test_what_tests_share_is_in_support():
    assert [
        str(file) for file in every_file() if not file.name.startswith("test_") and shares_nothing(file)
    ] == []


def shares_nothing(file):
    return file.name != "conftest.py" and file.parts[0] in TREES and str(file.parent) not in BY_SUBJECT


@pytest.mark.parametrize(
    ("path", "is_found"),
    [
        ("harness/load/test_split.py", False),
        ("harness/load/test_split_of_greenlets.py", False),
        ("harness/test_split.py", True),
        ("harness/load/test_splitting.py", True),
        ("harness/loading/test_split.py", True),
        ("test_split.py", True),
        ("truth/test_anything.py", False),
    ],
)
def test_a_file_that_mirrors_nothing_is_found(tmp_path, path, is_found):
    (tmp_path / "harness" / "load").mkdir(parents=True)
    (tmp_path / "harness" / "load" / "split.py").touch()
    assert misplaced([Path(path)], tmp_path) == ([path] if is_found else [])


def test_no_test_file_is_too_long_to_read():
    long = {str(file): len((ROOT / "tests" / file).read_text().splitlines()) for file in every_file()}
    assert {file: lines for file, lines in long.items() if lines > MOST_LINES} == {}
