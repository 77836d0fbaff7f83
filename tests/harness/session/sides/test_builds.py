import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from harness.errors import HarnessError, UsageError
from harness.policy.build import read_build
from harness.session.sides import builds, sources
from harness.session.sides.builds import Builder, complaint
from harness.session.sides.subjects import working_tree
from harness.supervise import Supervisor
from tests.support.session import project, write

MAKE = """
import os, pathlib, shutil, sys
with open(os.environ["MADE"], "a") as file:
    print("made", file=file)
shutil.copytree("pkg", pathlib.Path(sys.argv[1], "pkg"))
pathlib.Path("dropped.txt").touch()
"""
COMMAND = "{python} make.py {overlay}"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own, below a folder with a space, and a file with a line for each build."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "the cache"))
    monkeypatch.setenv("MADE", str(tmp_path / "made.txt"))
    return tmp_path / "the cache" / "asset-harness" / "builds"


@pytest.fixture
def folder(tmp_path):
    return project(tmp_path / "a project", {"make.py": MAKE})


def made(folder):
    try:
        return (folder.parent / "made.txt").read_text().count("made")
    except FileNotFoundError:
        return 0


def build(folder, command=COMMAND, name="result", said=None):
    """Build the folder, and return what was built."""
    top = folder.parent / f"copy of {name}"
    copy, result = sources.copy_sources(working_tree(folder), top), folder.parent / name
    with Supervisor() as supervisor:
        say = (lambda _: None) if said is None else said.append
        Builder(read_build(command), supervisor, say).into(result, "the base", copy, top)
    assert not (top / "dropped.txt").exists()
    return result


def test_the_same_files_are_built_once_and_others_again(folder):
    said = []
    first, second = build(folder, name="first", said=said), build(folder, name="second", said=said)
    assert made(folder) == 1
    assert re.fullmatch(r"Building the base …\nBuilt the base in .*s\.", "\n".join(said))
    for result in (first, second):
        assert (result / "pkg" / "__init__.py").read_bytes() == (folder / "pkg" / "__init__.py").read_bytes()
    write(folder, {"pkg/__init__.py": "new = 1\n"})
    assert (build(folder, name="third") / "pkg" / "__init__.py").read_text() == "new = 1\n"
    build(folder, f"{COMMAND} more", name="fourth")
    assert made(folder) == 3
    assert not (folder / "dropped.txt").exists()


def test_a_variable_that_the_project_s_recipes_name_belongs_to_the_build(folder, monkeypatch):
    write(folder, {"setup.py": "# PKG_NO_EXTENSIONS\n"})
    for number, variable in enumerate(("PKG_NO_EXTENSIONS", "OTHER_NO_EXTENSIONS", "CFLAGS")):
        monkeypatch.setenv(variable, "1")
        build(folder, name=f"result{number}")
    assert made(folder) == 2


def test_a_result_serves_for_a_day_and_few_are_kept(folder, cache, monkeypatch):
    build(folder, name="first")
    (kept,) = [path for path in cache.iterdir() if path.is_dir()]
    assert "make.py" in (kept / "build.log").read_text()
    old_s = time.time() - builds.KEPT_S - 60
    os.utime(kept, (old_s, old_s))
    build(folder, name="second")
    assert made(folder) == 2
    monkeypatch.setattr(builds, "MOST_KEPT", 1)
    for number in range(3):
        build(folder, f"{COMMAND} {number}", name=f"more{number}")
    # Those that were there before, and the new one.
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 2


def test_what_an_ended_process_left_half_built_is_removed_and_built_again(folder, cache):
    build(folder, name="first")
    (kept,) = [path for path in cache.iterdir() if path.is_dir()]
    half = kept.rename(kept.with_name(f"{kept.name}.part"))
    shutil.rmtree(half / "overlay" / "pkg")
    assert (build(folder, name="second") / "pkg" / "__init__.py").exists()
    assert made(folder) == 2
    assert not list(cache.glob("*.part"))


def test_two_processes_at_once_build_once(folder, tmp_path):
    """The second waits for the lock, and finds what the first has built."""
    code = (
        "import sys; from pathlib import Path; from tests.harness.session.sides.test_builds import build; "
        "said = []; build(Path(sys.argv[1]), name=sys.argv[2], said=said); print(said)"
    )
    write(folder, {"make.py": f"import time\ntime.sleep(0.5)\n{MAKE}"})
    with Supervisor() as supervisor:
        children = [
            supervisor.start("builder", [sys.executable, "-c", code, str(folder), name], log=tmp_path / f"{name}.log")
            for name in ("one", "two")
        ]  # fmt: skip
        assert [child.wait(60) for child in children] == [0, 0], [child.log_tail() for child in children]
    assert made(folder) == 1
    assert (tmp_path / "one" / "pkg" / "__init__.py").exists()
    assert (tmp_path / "two" / "pkg" / "__init__.py").exists()


def test_a_failure_is_one_sentence_with_the_last_lines_and_its_log_is_kept(folder, cache):
    script = "import sys; print('compiling'); print('x.c:3: error: expected ;'); print('error: gcc failed'); sys.exit(7)"
    with pytest.raises(HarnessError) as caught:
        build(folder, f'{{python}} -c "{script}" {{overlay}}')
    assert caught.value.exit_code == 1
    assert "The build of the base failed, for '{python}' ended with exit code 7" in caught.value.what
    assert caught.value.what.endswith(": x.c:3: error: expected ; | error: gcc failed")
    (log,) = cache.glob("failed-*.log")
    assert str(log) in caught.value.remedy
    assert "compiling" in log.read_text()
    # A failure is not kept: the next attempt builds.
    assert [path for path in cache.iterdir() if path.is_dir()] == []


def test_a_command_that_does_not_exist_and_one_that_builds_nothing_are_errors_of_usage(folder):
    with pytest.raises(UsageError, match="starts with 'piip', which is no program here"):
        build(folder, "piip install {overlay}")
    shutil.rmtree(folder.parent / "copy of result")
    with pytest.raises(UsageError, match=r"put nothing into \{overlay\}"):
        build(folder, "{python} -c pass {overlay}")


def test_a_script_of_the_project_is_the_side_s_own(folder, monkeypatch, tmp_path):
    script = write(folder, {"make.sh": '#!/bin/sh\ncp -r pkg "$1"\n'}) or folder / "make.sh"
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert (build(folder, "./make.sh {overlay}") / "pkg").is_dir()


def test_a_build_that_hangs_is_stopped_at_the_limit(folder, monkeypatch):
    monkeypatch.setattr(builds, "LIMIT_S", 0.3)
    with pytest.raises(HarnessError, match="was stopped after"):
        build(folder, "sh -c 'sleep 60' {overlay}")


def test_an_interruption_ends_the_build_and_leaves_nothing(folder, cache, tmp_path):
    write(folder, {"make.py": "import os, time\nopen(os.environ['MADE'], 'w').close()\ntime.sleep(60)\n"})
    code = (
        "import sys; from pathlib import Path; from tests.harness.session.sides.test_builds import build; "
        "build(Path(sys.argv[1]))"
    )
    with Supervisor() as supervisor:
        child = supervisor.start("builder", [sys.executable, "-c", code, str(folder)], log=tmp_path / "log")
        until_s = time.monotonic() + 60
        while not (tmp_path / "made.txt").exists() and time.monotonic() < until_s:
            time.sleep(0.02)
        os.kill(child.pid, signal.SIGINT)
        child.wait(30)
        assert "KeyboardInterrupt" in child.log_tail()
    assert not any(cache.glob("*.part"))
    assert [path for path in cache.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("$ make\na\nb\nc\nd\n", "b | c | d"),
        ("$ make\n", "no message"),
        ("$ x\nx.c:1: error: one\nx.c:2: error: two\nerror: gcc\nnote: This error originates\n", "x.c:1: error: one | x.c:2: error: two | error: gcc"),
    ],
)  # fmt: skip
def test_the_complaint_holds_the_first_error_and_the_last(log, told):
    assert complaint(log) == told


def test_a_lost_version_is_named_with_the_remedy(folder):
    words = "setuptools-scm was unable to detect version for /tree."
    with pytest.raises(HarnessError) as caught:
        build(folder, f"{{python}} -c \"raise SystemExit('LookupError: {words}')\" {{overlay}}")
    assert "git fetch --tags --unshallow" in caught.value.remedy
    assert "SETUPTOOLS_SCM_PRETEND_VERSION" in caught.value.remedy


def test_a_cache_that_cannot_be_made_is_named(folder, tmp_path, monkeypatch):
    write(tmp_path, {"file": ""})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(HarnessError, match="folder for built sides cannot be made") as caught:
        build(folder)
    assert "XDG_CACHE_HOME" in caught.value.remedy


def test_links_into_the_files_of_the_side_are_followed(folder):
    result = build(folder, 'sh -c \'ln -s "$PWD/pkg" "{overlay}/pkg"\'')
    assert not (result / "pkg").is_symlink()
    assert Path(result, "pkg", "__init__.py").exists()
