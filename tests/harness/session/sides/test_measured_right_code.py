"""Each side measures its own code, or the session is refused: projects as people install them.

No test here depends on a time: the benchmarks write down which files they have imported.
"""

import subprocess
import sys
import zipfile

import pytest

from harness.cli import main
from harness.errors import UsageError
from harness.policy.policy import Policy
from harness.session.receipt import State
from harness.session.slots.slot import ForeignCodeError
from tests.support.measured_code import FAST, NATIVE, SEEN, SLOW, SUITE, build, flat
from tests.support.session import NO_BLOCKS, commit, project, session, states, write


def install_editable(folder, site):
    """Install as `pip install -e` does: unpack what setuptools builds, with its finder for a flat layout."""
    build = "import sys; from setuptools import build_meta; print(build_meta.build_editable(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, site], cwd=folder, check=True, capture_output=True, text=True
    )
    with zipfile.ZipFile(site / done.stdout.split()[-1]) as wheel:
        wheel.extractall(site)
    assert list(site.glob("__editable___*_finder.py"))


IN_CHILD = """
import subprocess, sys
from seen import note
CODE = "import sys; sys.path.append({folder!r}); import seen, pkg; seen.note('child', *seen.loaded())"

def test_child(benchmark):
    benchmark(int)
    import os
    from pathlib import Path
    folder = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", CODE.format(folder=folder)], check=True)
"""


def test_an_editable_install_serves_no_submodule_that_the_base_lacks(tmp_path, site, seen):
    folder = flat(tmp_path / "project", {"benchmarks/test_child.py": IN_CHILD})
    write(folder, {"pkg/__init__.py": FAST, "pkg/fast.py": "def work():\n    return 19900\n"})
    # The base has the fallback alone.
    commit(folder, {"pkg/__init__.py": FAST})
    (folder / "pkg" / "fast.py").rename(folder / "fast.txt")
    commit(folder, {})
    (folder / "fast.txt").rename(folder / "pkg" / "fast.py")
    install_editable(folder, site)
    receipt = session(folder, plan=NO_BLOCKS)
    assert states(receipt) == {
        "test_bench.py::test_work": State.BOTH,
        "test_child.py::test_child": State.BOTH,
    }
    for what in ("own", "child"):
        found = seen(what)
        assert [path.name for path in sorted(found["a"])] == ["__init__.py"], what
        assert found["a"].isdisjoint(folder.rglob("*")), what
        assert found["b"] == {folder / "pkg" / "__init__.py", folder / "pkg" / "fast.py"}, what


def test_compiled_modules_are_each_sides_own(tmp_path, site, seen):
    base, candidate = (flat(tmp_path / name, {"pkg/__init__.py": NATIVE}) for name in ("base", "candidate"))
    places = [build(base, 1), build(candidate, 2)]
    install_editable(candidate, site)
    receipt = session(candidate, f"path:{base}", f"path:{candidate}", plan=NO_BLOCKS)
    found = seen()
    assert [{path for path in found[side] if path.suffix == ".so"} for side in "ab"] == [
        {path} for path in places
    ]
    (one,) = receipt.measured
    assert (one.name, one.base, one.candidate) == ("pkg", "pkg", "pkg")
    assert one.base_compiled == one.candidate_compiled == ["pkg._native"]


def test_an_extension_that_only_the_working_tree_has_built_is_refused_by_name(tmp_path, monkeypatch, capsys):
    folder = flat(tmp_path / "project", {"pkg/__init__.py": NATIVE})
    build(folder, 1)
    monkeypatch.chdir(folder)
    assert main(["compare", "git:main", "path:.", "--suite", "micro"]) == 2
    said = capsys.readouterr().err
    assert "the base lacks pkg._native, which the candidate has" in said
    assert 'build = "pip"' in said


def test_a_compiled_module_that_only_the_installed_copy_has_is_refused_and_no_fallback_measured(
    tmp_path, site
):
    folder = flat(tmp_path / "project", {"pkg/__init__.py": NATIVE, "pkg/_native.c": ""})
    place = build(folder, 1)
    write(site, {"pkg/__init__.py": NATIVE, "pkg-1.dist-info/METADATA": "Name: pkg\nVersion: 1\n"})
    write(site, {"pkg-1.dist-info/RECORD": f"pkg/__init__.py,,\npkg/{place.name},,\n"})
    place.rename(site / "pkg" / place.name)
    with pytest.raises(
        UsageError, match=r"Both sides lack the compiled pkg\._native of the installed package"
    ) as caught:
        session(folder, plan=NO_BLOCKS)
    assert 'build = "pip"' in caught.value.remedy


def two_packages(folder):
    files = {
        "src/pkg/__init__.py": "from helper import work\n",
        "src/helper/__init__.py": SLOW,
        "benchmarks/seen.py": SEEN,
        "benchmarks/test_bench.py": SUITE,
    }
    folder.mkdir()
    return project(folder, files)


def without_default_package(folder):
    for path in folder.glob("pkg"):
        (path / "__init__.py").unlink()
        path.rmdir()
    commit(folder, {})


def test_one_of_two_packages_as_the_root_is_refused_with_the_other_named(tmp_path, site, seen):
    folder = two_packages(tmp_path / "project")
    without_default_package(folder)
    # As hatchling, flit, poetry and setuptools install a `src` layout in place.
    write(site, {"__editable__.pkg.pth": f"{folder}/src\n"})
    with pytest.raises(ForeignCodeError, match="loaded helper, a module of the project") as caught:
        session(folder, plan=NO_BLOCKS, policy=Policy(source_roots=("src/pkg",)))
    assert caught.value.exit_code == 2
    assert "source-roots" in caught.value.remedy
    receipt = session(folder, plan=NO_BLOCKS, policy=Policy(source_roots=("src",)))
    assert [one.name for one in receipt.measured] == ["helper", "pkg"]
    assert seen()["a"].isdisjoint(folder.rglob("*"))


def test_an_installed_copy_of_another_package_of_the_project_is_refused(tmp_path, site):
    folder = two_packages(tmp_path / "project")
    without_default_package(folder)
    for name in ("pkg", "helper"):
        write(site, {f"{name}/__init__.py": (folder / "src" / name / "__init__.py").read_text()})
    record = "pkg/__init__.py,,\nhelper/__init__.py,,\n"
    write(site, {"pkg-1.dist-info/RECORD": record, "pkg-1.dist-info/METADATA": "Name: pkg\nVersion: 1\n"})
    with pytest.raises(ForeignCodeError, match="loaded helper"):
        session(folder, plan=NO_BLOCKS, policy=Policy(source_roots=("src/pkg",)))


@pytest.mark.parametrize("linked", ["pkg", "pkg/__init__.py", "pkg/part"])
def test_code_that_both_sides_get_through_the_same_link_is_refused(tmp_path, linked):
    folder = flat(tmp_path / "project", {"pkg/part/__init__.py": ""})
    (folder / linked).rename(tmp_path / "real")
    (folder / linked).symlink_to(tmp_path / "real")
    commit(folder, {})
    with pytest.raises(UsageError, match=rf"Both sides would measure the same code: {linked}.* is a link"):
        session(folder, plan=NO_BLOCKS)


def test_data_that_both_sides_get_through_the_same_link_are_no_reason(tmp_path, seen):
    folder = flat(tmp_path / "project")
    write(tmp_path, {"data.json": "{}"})
    (folder / "pkg" / "data.json").symlink_to(tmp_path / "data.json")
    (folder / "pkg" / "work.py").symlink_to("__init__.py")
    commit(folder, {})
    assert states(session(folder, plan=NO_BLOCKS)) == {"test_bench.py::test_work": State.BOTH}


def test_a_root_that_no_benchmark_imports_is_refused(tmp_path, seen):
    folder = flat(tmp_path / "project", {"unused/__init__.py": ""})
    with pytest.raises(UsageError, match="No benchmark imports 'unused'"):
        session(folder, plan=NO_BLOCKS, policy=Policy(source_roots=("pkg", "unused")))
    # Nobody named it: one that is imported is enough.
    assert session(folder, plan=NO_BLOCKS).finished


def test_a_suite_that_imports_nothing_of_the_project_is_refused(tmp_path):
    folder = project(tmp_path / "project")
    commit(folder, {"benchmarks/test_bench.py": "def test_int(benchmark): benchmark(int)\n"})
    with pytest.raises(UsageError, match="No benchmark imports any of pkg"):
        session(folder, plan=NO_BLOCKS)


NAMESPACED = """
from seen import note, loaded
import ns.inner, ns.shared

def test_work(benchmark):
    benchmark(ns.inner.work)
    note("own", *loaded())
"""


@pytest.mark.parametrize("named", [("src",), ("src/ns/inner",)])
def test_a_namespace_package_is_measured_and_shared_with_other_distributions(tmp_path, site, seen, named):
    files = {
        "src/ns/inner/__init__.py": SLOW,
        "src/ns/data.txt": "",
        "benchmarks/seen.py": SEEN.replace("import pkg", ""),
        "benchmarks/test_bench.py": NAMESPACED,
    }
    folder = project(tmp_path / "project", files)
    write(site, {"ns/shared/__init__.py": "", "__editable__.ns.pth": f"{folder}/src\n"})
    receipt = session(folder, plan=NO_BLOCKS, policy=Policy(source_roots=named))
    assert [one.name for one in receipt.measured] == ["ns.inner"]
    shared = site / "ns" / "shared" / "__init__.py"
    found = seen()
    assert shared in found["a"]
    assert (found["a"] - {shared}).isdisjoint(folder.rglob("*"))
    assert found["b"] == {shared, folder / "src" / "ns" / "inner" / "__init__.py"}
