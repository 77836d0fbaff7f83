import contextlib
import json
import shutil
import sysconfig

import pytest

from harness.errors import UsageError
from harness.policy.build import read_build
from harness.policy.policy import Policy
from harness.session.receipt import Side
from harness.session.sides.builds import Builder
from harness.session.sides.built import built_overlay, prepare_sides
from harness.session.sides.roots import read_built
from harness.session.sides.subjects import TreeSide, working_tree
from harness.session.slots import discovery
from harness.session.slots.block import Stage
from harness.session.slots.launch import Limits
from harness.supervise import Supervisor
from tests.support.git import git
from tests.support.measured_code import EXTENSION, NATIVE, flat
from tests.support.session import commit, project, write

# As a build does it, without its seconds: it compiles, generates, and installs with metadata.
MAKE = """
import json, pathlib, shutil, subprocess, sys, sysconfig
tree, overlay = pathlib.Path(), pathlib.Path(sys.argv[1])
source = tree / "src" if (tree / "src").is_dir() else tree
for name in ("pkg", "ns", "tests", "tools"):
    if (source / name).is_dir():
        shutil.copytree(source / name, overlay / name)
for file in tree.rglob("*.c"):
    place = overlay / file.relative_to(source).with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))
    place.parent.mkdir(exist_ok=True)
    command = ["gcc", "-O0", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}", file, "-o", place]
    subprocess.run(command, check=True)
if (overlay / "pkg").is_dir():
    (overlay / "pkg" / "_version.py").write_text("version = '1'\\n")
facts = overlay / "pkg-1.dist-info"
facts.mkdir()
(facts / "METADATA").write_text("Metadata-Version: 2.1\\nName: pkg\\nVersion: 1\\n")
(facts / "RECORD").touch()
(facts / "direct_url.json").write_text(json.dumps({"url": tree.absolute().as_uri()}))
(overlay / "bin").mkdir()
(overlay / "bin" / "tool.py").touch()
"""
COMMAND = "{python} make.py {overlay}"
PACKAGE = "from pkg._native import work\nfrom pkg._version import version\n"
LOADED = """
import importlib.metadata, json, os, sys
import pkg

def test_work(benchmark):
    benchmark(pkg.work)
    found = [m.__file__ for n, m in sorted(sys.modules.items()) if n.partition(".")[0] in ("pkg", "ns", "_top")]
    version = importlib.metadata.version("pkg")
    with open(os.environ["SEEN"], "a") as file:
        print(json.dumps([pkg.work(), version, [os.path.realpath(path) for path in found if path]]), file=file)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@contextlib.contextmanager
def built(folder, base="main", policy=None, command=COMMAND, said=None):
    """Yield the prepared sides, a revision and the working tree."""
    sides = TreeSide(f"git:{base}", folder, base), working_tree(folder)
    say = (lambda _: None) if said is None else said.append
    with Supervisor() as supervisor:
        builder = Builder(read_build(command), supervisor, say)
        with prepare_sides(
            *sides, policy or Policy(), supervisor, folder.parent / "log", builder=builder
        ) as prepared:
            yield supervisor, prepared


def seen(folder, monkeypatch, **given):
    """Run the benchmarks of both sides; return what each of them wrote down, and why those that failed did."""
    found = []
    with built(folder, **given) as (supervisor, prepared):
        stage = Stage(supervisor, prepared.bench, prepared.homes, {}, folder.parent / "log", Limits(60, 30))
        for side in Side:
            file = folder.parent / f"seen-{side}.txt"
            monkeypatch.setenv("SEEN", str(file))
            survey = discovery.survey(stage, side)
            assert (survey.trouble, survey.errors) == ("", {})
            assert [one.why for one in survey.ran.values() if one.ns is None] == []
            found.append(json.loads(file.read_text().splitlines()[-1]))
    return found


def extended(folder, value=1, **files):
    """A flat project that needs its build: a compiled module, and one that is generated."""
    given = {"pkg/__init__.py": PACKAGE, "pkg/_native.c": EXTENSION % value, "make.py": MAKE}
    return flat(folder, given | {"benchmarks/test_bench.py": LOADED} | files)


def test_each_side_measures_its_own_compiled_and_generated_modules(tmp_path, site, monkeypatch):
    folder = extended(tmp_path / "project")
    # An installed copy, which neither side may load.
    write(site, {"pkg/__init__.py": NATIVE, "pkg-9.dist-info/METADATA": "Name: pkg\nVersion: 9\n"})
    write(folder, {"pkg/_native.c": EXTENSION % 2})
    before = git(folder, "status", "--porcelain", "--ignored")
    (base, candidate), names = seen(folder, monkeypatch), ["__init__.py", "_native", "_version.py"]
    assert (base[0], candidate[0]) == (1, 2)
    assert (base[1], candidate[1]) == ("1", "1")
    for one in (base, candidate):
        files = sorted(path.rpartition("/")[2] for path in one[2])
        assert files == [names[0], f"_native{sysconfig.get_config_var('EXT_SUFFIX')}", names[2]]
    assert set(base[2]).isdisjoint(candidate[2])
    assert not any(path.startswith((str(folder), str(site))) for path in base[2] + candidate[2])
    assert git(folder, "status", "--porcelain", "--ignored") == before


def test_the_facts_of_a_built_side_are_those_of_its_files(tmp_path):
    folder = extended(tmp_path / "project")
    commit(folder, {"pkg/_native.c": EXTENSION % 2})
    said = []
    with built(folder, base="main~1", said=said) as (_, prepared):
        base, candidate = (prepared.facts_with_code(side) for side in Side)
        assert (base.label, candidate.label) == ("main~1", "the working tree")
        assert base.revision == git(folder, "rev-parse", "main~1")
        assert candidate.revision == git(folder, "rev-parse", "main")
        # The sources differ in C alone.
        assert base.code_sha256 != candidate.code_sha256
        (root,) = prepared.measured
        assert root.base_compiled == root.candidate_compiled == ["pkg._native"]
        assert [str(place) for place in prepared.around[Side.BASE].elsewhere].count(str(folder)) == 1
    assert [line for line in said if "Building" in line] == [
        "Building the base 'main~1' …", "Building the candidate 'the working tree' …",
    ]  # fmt: skip
    assert list((tmp_path / "tmp").glob("asset-harness-private-*")) == []


def test_a_module_beside_the_package_is_each_sides_own_too(tmp_path, monkeypatch, site):
    """Nobody names it: without the build it would come from where it is installed, for both sides."""
    top = EXTENSION.replace("_native", "_top")
    files = {"pkg/__init__.py": "from _top import work\n", "_top.c": top % 1}
    folder = flat(tmp_path / "project", files | {"make.py": MAKE, "benchmarks/test_bench.py": LOADED})
    write(site, {"_top.py": "def work():\n    return 9\n"})
    write(folder, {"_top.c": top % 2})
    base, candidate = seen(folder, monkeypatch)
    assert (base[0], candidate[0]) == (1, 2)


def test_a_package_that_moved_into_src_is_one_package_on_both_sides(tmp_path, monkeypatch):
    folder = extended(tmp_path / "project")
    (folder / "src").mkdir()
    shutil.move(folder / "pkg", folder / "src" / "pkg")
    write(folder, {"src/pkg/_native.c": EXTENSION % 2})
    assert [one[0] for one in seen(folder, monkeypatch)] == [1, 2]
    with built(folder, policy=Policy(source_roots=("src/pkg",))) as (_, prepared):
        assert prepared.roots == {"pkg": "src/pkg"}


def test_parts_of_a_namespace_package_are_each_sides_own_and_the_others_shared(tmp_path, site, monkeypatch):
    files = {
        "src/ns/inner/__init__.py": "from ns.inner._native import work\n",
        "src/ns/inner/_native.c": EXTENSION % 1,
        "make.py": MAKE,
        "benchmarks/test_bench.py": LOADED.replace("import pkg\n", "import ns.inner as pkg, ns.shared\n"),
    }
    folder = project(tmp_path / "project", files)
    shutil.rmtree(folder / "pkg")
    commit(folder, {})
    write(site, {"ns/shared/__init__.py": "", "ns/inner/__init__.py": "work = int\n"})
    write(folder, {"src/ns/inner/_native.c": EXTENSION % 2})
    base, candidate = seen(folder, monkeypatch)
    assert (base[0], candidate[0]) == (1, 2)
    shared = str(site / "ns" / "shared" / "__init__.py")
    assert set(base[2]) & set(candidate[2]) == {shared}


def test_packages_of_tests_that_are_installed_too_stay_the_suite_s(tmp_path):
    folder = extended(tmp_path / "project", **{"tests/__init__.py": "", "tests/helper.py": ""})
    with built(folder) as (_, prepared):
        assert prepared.roots == {"pkg": "pkg"}
        assert read_built(prepared.trees[Side.BASE]).roots == {"pkg": "pkg"}


def test_a_suite_inside_the_package_stays_where_it_is_not_installed(tmp_path, monkeypatch):
    suite = {
        "pkg/tests/__init__.py": "",
        "pkg/tests/helper.py": "SIZE = 3\n",
        "pkg/tests/perf/__init__.py": "",
    }
    bench = {
        "pkg/tests/perf/test_bench.py": LOADED.replace(
            "import pkg\n", "import pkg\nfrom pkg.tests.helper import SIZE\n"
        )
    }
    left_out = MAKE.replace("overlay / name)", 'overlay / name, ignore=shutil.ignore_patterns("tests"))')
    folder = extended(tmp_path / "project", **suite, **bench, **{"make.py": left_out})
    policy = Policy(suite="pkg/tests/perf")
    write(folder, {"pkg/_native.c": EXTENSION % 2})
    assert [one[0] for one in seen(folder, monkeypatch, policy=policy)] == [1, 2]


def test_a_build_that_leaves_a_compiled_module_out_without_failing_is_refused(tmp_path):
    """As a `setup.py` with optional extensions does where the compiler fails."""
    folder = extended(tmp_path / "project")
    write(folder, {"make.py": MAKE.replace('tree.rglob("*.c")', "()")})
    with (
        pytest.raises(UsageError, match=r"the candidate lacks pkg\._native, which the base has") as caught,
        built(folder),
    ):
        pass
    assert "Its build left them out without failing" in caught.value.remedy


@pytest.mark.parametrize(
    ("change", "policy", "words"),
    [
        ('(facts / "direct_url.json").unlink()', (), "The build of the base installed another project too: pkg"),
        ('shutil.rmtree(overlay / "pkg")', (), "The build of the base made no package and no module"),
        ('(overlay / "pkg").rename(overlay / "pkg2")', ("pkg",), "The build made no 'pkg', which source-roots names: it made pkg2"),
    ],
)  # fmt: skip
def test_a_build_that_makes_something_else_is_refused(tmp_path, change, policy, words):
    folder = extended(tmp_path / "project")
    commit(folder, {"make.py": MAKE + change + "\n"})
    with pytest.raises(UsageError) as caught, built(folder, policy=Policy(source_roots=policy)):
        pass
    assert caught.value.what.startswith(words)
    assert caught.value.remedy


def test_a_command_that_names_the_checkout_would_build_one_code_for_both_sides(tmp_path):
    folder = extended(tmp_path / "project")
    command = f"pip install --no-deps --target {{overlay}} {folder}"
    with (
        pytest.raises(UsageError, match="would build the same code for both sides") as caught,
        built(folder, command=command),
    ):
        pass
    assert "{tree}" in caught.value.remedy


def test_one_side_alone_is_shown_as_it_was_built(tmp_path):
    folder = extended(tmp_path / "project")
    with Supervisor() as supervisor:
        builder = Builder(read_build(COMMAND), supervisor)
        with built_overlay(working_tree(folder), Policy(), builder) as overlay:
            assert {"__init__.py", "_version.py"} <= {path.name for path in (overlay / "pkg").iterdir()}
            assert (overlay / "pkg-1.dist-info" / "METADATA").exists()


SETUP_PY = """
from setuptools import Extension, setup
setup(ext_modules=[Extension("pkg._native", ["src/pkg/_native.c"])])
"""
PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "pkg"
version = "1"
"""


@pytest.mark.proof
def test_pip_builds_a_src_layout_with_an_extension(tmp_path, monkeypatch):
    files = {
        "src/pkg/__init__.py": "from pkg._native import work\n", "src/pkg/_native.c": EXTENSION % 1,
        "setup.py": SETUP_PY, "pyproject.toml": PYPROJECT, "benchmarks/test_bench.py": LOADED,
    }  # fmt: skip
    folder = project(tmp_path / "project", files)
    shutil.rmtree(folder / "pkg")
    commit(folder, {})
    write(folder, {"src/pkg/_native.c": EXTENSION % 2})
    command = "pip install --no-build-isolation --no-deps --target {overlay} {tree}"
    assert [one[:2] for one in seen(folder, monkeypatch, command=command)] == [[1, "1"], [2, "1"]]
    assert sorted(path.name for path in folder.iterdir() if path.name[0] != ".") == [
        "benchmarks", "pyproject.toml", "setup.py", "src",
    ]  # fmt: skip
