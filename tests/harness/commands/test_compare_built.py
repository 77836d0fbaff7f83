"""`build` of the policy, and `--build`, through the commands that measure code."""

import pytest

from tests.support.cli import end_of, harness, inside, started, until
from tests.support.gate import leftovers
from tests.support.git import git
from tests.support.session import project, write

# What the suite sees is what the build made: its own text, and not that of the tree.
MAKE = """
import pathlib, sys
text = pathlib.Path("src/pkg/__init__.py").read_text()
place = pathlib.Path(sys.argv[1], "pkg")
place.mkdir()
(place / "__init__.py").write_text("def work():\\n    return 'built'\\n" + text)
"""
SUITE = """
import pkg

def test_work(benchmark):
    assert benchmark(pkg.work) == "built"
"""
POLICY = """
[tool.pytest.ini_options]
pythonpath = "src"

[tool.harness]
build = "{python} make.py {overlay}"
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    files = {"src/pkg/__init__.py": "VERSION = 1\n", "make.py": MAKE, "pyproject.toml": POLICY}
    made = project(tmp_path / "a project", files | {"benchmarks/test_bench.py": SUITE})
    git(made, "rm", "-q", "-r", "pkg")
    git(made, "commit", "-q", "-m", "moved")
    return made


def test_a_session_measures_what_the_build_made_of_each_side(folder):
    said = inside(folder, "gate", "--base", "HEAD", "--suite", "micro", "--dry-run", "--json")
    assert said.code == 0, said.stderr
    assert said.document["benchmarks"] == ["test_bench.py::test_work"]
    # Once for both: files, command and tools are the same.
    assert said.stderr.count("Building") == 1
    assert git(folder, "status", "--porcelain", "--ignored") == ""
    assert leftovers(folder) == []


def test_bench_measures_the_built_package_and_not_the_source_that_pytest_puts_first(folder):
    said = inside(folder, "bench", "--json")
    assert said.code == 0, said.stderr
    assert "Building the working tree …" in said.stderr


def test_an_option_wins_over_the_policy_and_a_policy_file_has_its_own(folder, tmp_path):
    words = ("compare", "git:HEAD", "path:.", "--suite", "micro", "--dry-run")
    said = inside(folder, *words, "--build", "false {overlay}")
    assert said.code == 1
    assert "The build of the base 'HEAD' failed, for 'false' ended with exit code 1: no message" in said.error
    write(tmp_path, {"own.toml": 'build = "no-such-program {overlay}"\n'})
    said = inside(folder, *words, "--policy", tmp_path / "own.toml")
    assert said.code == 2
    assert "The build command starts with 'no-such-program', which is no program here" in said.error


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('"pip install ."', "it has no {overlay}"),
        ("''", "it names no command"),
        ("true", "it names no command"),
        ('["make"]', "it names no command"),
        ('"sh -c \'x {overlay}"', "its quotes do not match"),
        ('"make {prefix} {overlay}"', "'{prefix}' is none of"),
    ],
)
def test_garbage_is_refused_before_anything_is_built(folder, value, words):
    write(folder, {"pyproject.toml": f"[tool.harness]\nbuild = {value}\n"})
    said = inside(folder, "gate", "--base", "HEAD", "--dry-run")
    assert said.code == 2
    assert f"The build command cannot be used: {words}" in said.error
    assert 'build = "pip"' in said.error
    assert not (folder / "runs").exists()


def test_a_project_without_a_suite_is_refused_before_anything_is_built(folder):
    (folder / "benchmarks" / "test_bench.py").unlink()
    said = inside(folder, "gate", "--base", "HEAD", "--suite", "micro", "--build", "false {overlay}")
    assert said.code == 2
    assert "has no benchmark suite" in said.error


def test_a_failed_build_leaves_no_session_and_its_log_is_named(folder, tmp_path):
    write(folder, {"make.py": "import sys; print('x.c:1: error: missing'); sys.exit(1)\n"})
    said = harness("gate", "--base", "HEAD", "--suite", "micro", cwd=folder)
    assert said.code == 1
    assert "The build of the candidate 'the working tree' failed" in said.error
    assert "ended with exit code 1: x.c:1: error: missing" in said.error
    (log,) = (tmp_path / "cache" / "asset-harness" / "builds").glob("failed-*.log")
    assert str(log) in said.error
    assert not list(folder.glob("runs/*"))


def test_ctrl_c_during_a_build_ends_it_and_leaves_nothing(folder, tmp_path):
    write(
        folder,
        {
            "make.py": f"import pathlib, time\npathlib.Path({str(tmp_path / 'began')!r}).touch()\ntime.sleep(60)\n"
        },
    )
    with started("gate", "--base", "HEAD", "--suite", "micro", cwd=folder) as process:
        until((tmp_path / "began").exists, process)
        process.send_signal(2)
        said = end_of(process)
    assert said.code == 130
    assert not list(folder.glob("runs/*"))
    cache = tmp_path / "cache" / "asset-harness" / "builds"
    # The base alone is kept.
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 1
