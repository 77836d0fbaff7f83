"""Two sides of code with servers: each is started in its own tree, and a server that runs other code is refused."""

import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from harness.errors import RefusedError, UsageError
from harness.policy.policy import Policy
from harness.policy.servers import read_servers
from harness.serving.server import Server
from harness.session.receipt import Side
from harness.session.sides.served import prepare_served, served_sides
from harness.session.sides.subjects import TargetSide, TreeSide
from harness.supervise import Supervisor
from harness.work.sides import overlays
from tests.support.git import git
from tests.support.little_servers import plain_text

SAYS_WHO = "import shop; body = shop.WHO.encode()"


def tree(folder: Path, who: str, before: str = "") -> Path:
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").write_text(f"WHO = {who!r}\n")
    (folder / "server.py").write_text(plain_text(SAYS_WHO, before))
    return folder


@pytest.fixture
def two(tmp_path):
    return tree(tmp_path / "old", "old"), tree(tmp_path / "new", "new")


def repository(folder: Path, *works: str) -> Path:
    """Return a repository with a commit for each server."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    for work in works:
        (folder / "server.py").write_text(plain_text(work))
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "-m", "one")
    return folder


def path_side(folder: Path) -> TreeSide:
    return TreeSide(f"path:{folder}", folder.resolve())


def answers(tmp_path, base, candidate, command="{python} server.py {port}", policy=None, **settings):
    """Return what the server of each side answers, after the check of its code."""
    server = read_servers({"shop": {"command": command, **settings}}, "here")["shop"]
    found = {}
    with (
        Supervisor() as supervisor,
        prepare_served(base, candidate, policy or Policy(), supervisor, tmp_path / "log") as prepared,
        tempfile.TemporaryDirectory(dir=prepared.folder) as name,
    ):
        places = served_sides(prepared, overlays(prepared, Path(name)), Path(name))
        for side in Side:
            with Server("shop", server, places[side].place).running(
                supervisor, tmp_path / f"{side}.log"
            ) as running:
                found[side] = urllib.request.urlopen(running.url).read().decode()
                places[side].refuse_other_code(running)
    return [found[side] for side in Side]


def test_each_server_runs_the_code_of_its_side_and_writes_nothing_into_it(tmp_path, two):
    assert answers(tmp_path, *map(path_side, two)) == ["old", "new"]
    assert not list(tmp_path.rglob("old/**/*.pyc"))


def test_an_installed_project_does_not_hide_the_code_of_a_side(tmp_path, two):
    # As an editable install of the working tree does it, for a program that does not look into the current folder.
    before = f"sys.path[:] = [{str(two[1])!r}, *sys.path[1:]]"
    for folder in two:
        (folder / "server.py").write_text(plain_text(SAYS_WHO, before))
    assert answers(tmp_path, *map(path_side, two)) == ["old", "new"]


def test_revisions_are_checked_out(tmp_path, two):
    project = repository(tmp_path / "repository", "body = b'old'", "body = b'new'")
    sides = [TreeSide(f"git:{one}", project, one) for one in ("HEAD~1", "HEAD")]
    assert answers(tmp_path, *sides) == ["old", "new"]


def test_a_project_without_python_needs_no_source_roots(tmp_path):
    script = f'#!/bin/sh\nexec {sys.executable} -c "$(cat code)" $1\n'
    for who in ("old", "new"):
        folder = tmp_path / who
        folder.mkdir()
        (folder / "serve").write_text(script)
        (folder / "serve").chmod(0o755)
        (folder / "code").write_text(plain_text(f"body = b'{who}'"))
    sides = [path_side(tmp_path / who) for who in ("old", "new")]
    with pytest.raises(RefusedError, match="runs no code of the measured tree"):
        # A shell that becomes Python, with its code as an argument: nothing is left to see.
        answers(tmp_path, *sides, command="./serve {port}")
    (tmp_path / "old" / "serve").write_text(script.replace("exec ", ""))
    (tmp_path / "new" / "serve").write_text(script.replace("exec ", ""))
    assert answers(tmp_path, *sides, command="./serve {port}") == ["old", "new"]


def test_a_command_that_leads_out_of_the_tree_is_refused(tmp_path, two):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "server.py").write_text(plain_text())
    with pytest.raises(RefusedError, match="both sides would be the same") as caught:
        answers(tmp_path, *map(path_side, two), command=f"{{python}} {elsewhere}/server.py {{port}}")
    assert "{tree}" in str(caught.value)


def test_code_of_the_other_side_is_refused(tmp_path, two):
    (two[1] / "helper.py").write_text("")
    before = f"sys.path.append({str(two[1])!r}); import helper"
    (two[0] / "server.py").write_text(plain_text(SAYS_WHO, before))
    with pytest.raises(RefusedError, match="imported code from another tree") as caught:
        answers(tmp_path, *map(path_side, two))
    assert str(two[1] / "helper") in str(caught.value)


def test_two_configured_servers_share_the_running_tree(tmp_path, two, monkeypatch):
    monkeypatch.chdir(two[0])
    sides = [TargetSide(f"target:serve:{name}", f"serve:{name}") for name in ("a", "b")]
    assert answers(tmp_path, *sides) == ["old", "old"]


def test_a_missing_revision_is_named(tmp_path, two):
    project = repository(tmp_path / "repository", "")
    with pytest.raises(UsageError, match="nowhere"):
        answers(tmp_path, TreeSide("git:nowhere", project, "nowhere"), path_side(two[1]))
