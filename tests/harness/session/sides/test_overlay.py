"""Which code is measured, and how a side's overlay shows it."""

import pytest

from harness.micro.places import find_places
from harness.micro.pytest_options import import_folder
from harness.session.sides.overlay import build_overlay, digest, link_tree
from harness.session.sides.roots import source_roots
from harness.session.sides.suite_copy import build_mirror, copy_suite
from tests.support.session import write


def test_packages_at_the_top_are_measured_and_tests_and_the_suite_are_not(tmp_path):
    names = ("pkg", "other", "tests", "benchmarks", "suite")
    write(tmp_path, {f"{name}/__init__.py": "" for name in names} | {"notes/readme.md": "", "setup.py": ""})
    assert source_roots(tmp_path, (), ["suite/micro"]) == {"other": "other", "pkg": "pkg"}


def test_a_project_with_src_measures_what_lies_there(tmp_path):
    write(
        tmp_path,
        {"src/pkg/__init__.py": "", "src/mod.py": "", "src/pkg.egg-info/x": "", "other/__init__.py": ""},
    )
    assert source_roots(tmp_path, (), ["benchmarks"]) == {"mod": "src/mod.py", "pkg": "src/pkg"}


def test_roots_that_the_policy_names_are_taken_as_they_are(tmp_path):
    write(tmp_path, {"lib/pkg/__init__.py": "", "one.py": ""})
    assert source_roots(tmp_path, ("lib/pkg", "one.py"), ["b"]) == {"pkg": "lib/pkg", "one": "one.py"}


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


def written(folder, files):
    write(folder, files)
    return folder


def copied(project, suite, roots):
    places = copy_suite(project, find_places(project, suite), roots, project.parent / "copy")
    return project.parent / "copy", places


def test_a_suite_is_copied_with_its_top_folder_for_its_helpers(tmp_path):
    write(tmp_path / "p", {"tests/helper.py": "", "tests/bench/test_x.py": "", "pkg/__init__.py": ""})
    copy, places = copied(tmp_path / "p", "tests/bench", ["pkg"])
    assert places.found == ("tests/bench",)
    assert (copy / "tests" / "helper.py").is_file()
    assert (copy / "tests" / "bench" / "test_x.py").is_file()
    assert not (copy / "pkg").exists(), "it is each side's own"


@pytest.mark.parametrize(("suite", "root"), [("pkg/bench", "pkg"), ("src/pkg/bench", "src/pkg")])
def test_a_suite_inside_measured_code_is_copied_alone(tmp_path, suite, root):
    write(tmp_path / "p", {f"{suite}/test_x.py": "", f"{root}/__init__.py": ""})
    copy, places = copied(tmp_path / "p", suite, [root])
    assert (places.found, places.root) == (("bench",), "bench")
    assert [file.name for file in copy.rglob("*.py")] == ["test_x.py"]


def test_a_suite_of_one_file_is_copied(tmp_path):
    write(tmp_path / "p", {"bench_all.py": ""})
    copy, places = copied(tmp_path / "p", "bench_all.py", ["pkg"])
    assert places.found == ("bench_all.py",)
    assert (copy / "bench_all.py").is_file()


def test_a_mirror_shows_the_common_files_and_each_sides_own_code(tmp_path):
    common = {"benchmarks/test_x.py": "", "conftest.py": "", "data.json": "[]", "data/a.csv": "1"}
    base, candidate = (
        written(tmp_path / name, {**common, "src/pkg/__init__.py": name, "lib/helper.py": name})
        for name in ("base", "candidate")
    )
    (candidate / "data.json").write_text("[1]")
    bench, _ = copied(candidate, None, ["src/pkg"])
    build_overlay(base, {"pkg": "src/pkg"}, tmp_path / "overlay")
    mirror = tmp_path / "mirror"
    build_mirror(base, bench, {"pkg": "src/pkg"}, tmp_path / "overlay", mirror)
    assert (mirror / "data.json").read_text() == "[1]"
    assert (mirror / "data" / "a.csv").read_text() == "1"
    assert (mirror / "lib" / "helper.py").read_text() == "base"
    assert (mirror / "src" / "pkg").resolve() == tmp_path / "overlay" / "pkg"
    assert not (mirror / "benchmarks" / "test_x.py").is_symlink()
    # Byte code is written beside a file: never into the checkout.
    assert not (mirror / "lib").is_symlink()


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
