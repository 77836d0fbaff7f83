"""Which code is measured, and how a side's overlay shows it."""

import pytest

from harness.errors import UsageError
from harness.micro.pytest_options import import_folder
from harness.session.sides.overlay import build_overlay, digest, link_tree
from harness.session.sides.roots import source_roots
from harness.session.sides.suite_copy import copy_suite, locate_suite
from tests.support.session import write


def test_packages_at_the_top_are_measured_and_tests_and_the_suite_are_not(tmp_path):
    names = ("pkg", "other", "tests", "benchmarks", "suite")
    write(tmp_path, {f"{name}/__init__.py": "" for name in names} | {"notes/readme.md": "", "setup.py": ""})
    assert source_roots(tmp_path, (), "suite/micro") == {"other": "other", "pkg": "pkg"}


def test_a_project_with_src_measures_what_lies_there(tmp_path):
    write(
        tmp_path,
        {"src/pkg/__init__.py": "", "src/mod.py": "", "src/pkg.egg-info/x": "", "other/__init__.py": ""},
    )
    assert source_roots(tmp_path, (), "benchmarks") == {"mod": "src/mod.py", "pkg": "src/pkg"}


def test_roots_that_the_policy_names_are_taken_as_they_are(tmp_path):
    write(tmp_path, {"lib/pkg/__init__.py": "", "one.py": ""})
    assert source_roots(tmp_path, ("lib/pkg", "one.py"), "b") == {"pkg": "lib/pkg", "one": "one.py"}


def test_an_overlay_shows_the_sides_files_in_folders_of_its_own(tmp_path):
    write(
        tmp_path, {"tree/pkg/__init__.py": "x", "tree/pkg/deep/a.py": "y", "tree/pkg/__pycache__/old.pyc": ""}
    )
    assert build_overlay(tmp_path / "tree", {"pkg": "pkg", "gone": "gone"}, tmp_path / "over") == ["pkg"]
    shown = tmp_path / "over" / "pkg"
    assert not shown.is_symlink()
    assert (shown / "deep" / "a.py").resolve() == tmp_path / "tree" / "pkg" / "deep" / "a.py"
    assert not (shown / "__pycache__").exists()


def test_a_linked_folder_that_leads_back_is_shown_and_not_followed(tmp_path):
    write(tmp_path, {"pkg/__init__.py": ""})
    (tmp_path / "pkg" / "loop").symlink_to(tmp_path / "pkg")
    link_tree(tmp_path / "pkg", tmp_path / "shown")
    assert (tmp_path / "shown" / "loop").is_symlink()


def test_a_suite_is_copied_with_its_top_folder_for_its_helpers(tmp_path):
    write(tmp_path, {"tests/helper.py": "", "tests/bench/test_x.py": "", "pkg/__init__.py": ""})
    path = copy_suite(tmp_path, "tests/bench", ["pkg"], tmp_path / "copy")
    assert path == tmp_path / "copy" / "tests" / "bench"
    assert (tmp_path / "copy" / "tests" / "helper.py").is_file()


@pytest.mark.parametrize(("suite", "root"), [("pkg/bench", "pkg"), ("src/pkg/bench", "src/pkg")])
def test_a_suite_inside_measured_code_is_copied_alone(tmp_path, suite, root):
    write(tmp_path, {f"{suite}/test_x.py": "", f"{root}/__init__.py": ""})
    path = copy_suite(tmp_path, suite, [root], tmp_path / "copy")
    assert path == tmp_path / "copy" / "bench"
    assert [file.name for file in (tmp_path / "copy").rglob("*.py")] == ["test_x.py"]


def test_a_suite_of_one_file_is_copied(tmp_path):
    write(tmp_path, {"bench_all.py": ""})
    assert (
        copy_suite(tmp_path, "bench_all.py", ["pkg"], tmp_path / "copy") == tmp_path / "copy" / "bench_all.py"
    )


def test_the_suite_is_found_in_the_usual_places_or_named(tmp_path):
    with pytest.raises(UsageError, match="no benchmark suite in the usual folders"):
        locate_suite(tmp_path, None)
    write(tmp_path, {"tests/benchmarks/test_x.py": "", "mine/test_y.py": ""})
    assert locate_suite(tmp_path, None) == "tests/benchmarks"
    assert locate_suite(tmp_path, "mine") == "mine"
    with pytest.raises(UsageError, match="no benchmark suite 'other'"):
        locate_suite(tmp_path, "other")


def test_the_import_folder_is_the_one_above_the_outermost_package(tmp_path):
    write(tmp_path, {"a/b/__init__.py": "", "a/b/c/__init__.py": "", "a/b/c/test_x.py": ""})
    assert import_folder(tmp_path / "a" / "b" / "c") == tmp_path / "a"
    assert import_folder(tmp_path / "a" / "b" / "c" / "test_x.py") == tmp_path / "a"
    assert import_folder(tmp_path / "a") == tmp_path / "a"


def test_a_digest_tells_files_apart_and_leaves_out_what_a_machine_builds(tmp_path):
    made = []
    for number, (text, built) in enumerate((("a = 1", "x"), ("a = 1", "y"), ("a = 2", "x"))):
        package = tmp_path / str(number) / "pkg"
        (package / "__pycache__").mkdir(parents=True)
        (package / "a.py").write_text(text)
        (package / "fast.so").write_text(built)
        (package / "__pycache__" / "a.pyc").write_text(built)
        build_overlay(package.parent, {"pkg": "pkg"}, tmp_path / f"overlay-{number}")
        made.append(digest([tmp_path / f"overlay-{number}"]))
    assert made[0] == made[1] != made[2]
