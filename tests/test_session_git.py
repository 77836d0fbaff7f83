"""What a session asks of git, on repositories made for the purpose."""

import pytest

from harness.errors import HarnessError, UsageError
from harness.session.git import prefix, resolve, state, worktree
from tests.session_support import SOURCE, commit, git, project, write


@pytest.fixture
def repository(tmp_path):
    return project(tmp_path / "repository")


def test_a_branch_a_tag_and_a_short_commit_name_the_commit(repository):
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "v1")
    assert {resolve(repository, name) for name in ("main", "v1", head[:8], "HEAD")} == {head}


def test_a_branch_that_only_the_remote_has_is_found(repository, tmp_path):
    git(tmp_path, "clone", "--quiet", repository, "clone")
    clone = tmp_path / "clone"
    git(clone, "switch", "--quiet", "--create", "feature")
    git(clone, "branch", "--quiet", "--delete", "main")
    assert resolve(clone, "main") == git(repository, "rev-parse", "main")


@pytest.mark.parametrize("revision", ["nope", "--help", "", "main:pkg", "HEAD~7"])
def test_an_unknown_revision_is_an_error_that_says_what_to_do(repository, revision):
    with pytest.raises(UsageError, match="shallow clone may lack it"):
        resolve(repository, revision)


def test_the_state_says_when_files_differ_or_are_untracked(repository):
    head = git(repository, "rev-parse", "HEAD")
    assert state(repository) == head
    write(repository, {"new.py": ""})
    assert state(repository) == f"{head}+changes"


def test_a_folder_outside_git_has_no_state(tmp_path):
    assert state(tmp_path) is None


def test_a_worktree_has_the_files_of_its_revision_and_is_gone_afterwards(repository, tmp_path):
    old = git(repository, "rev-parse", "HEAD")
    commit(repository, {"pkg/__init__.py": "changed = 1\n"})
    with worktree(repository, old, tmp_path / "tree") as tree:
        assert (tree / "pkg" / "__init__.py").read_text() == SOURCE
    assert not (tmp_path / "tree").exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_project_below_the_top_of_its_repository_is_found_in_the_worktree(tmp_path):
    top = project(tmp_path / "top", {"sub/inner/file.txt": "x"})
    inner = top / "sub" / "inner"
    assert prefix(inner) == "sub/inner/"
    with worktree(inner, resolve(inner, "main"), tmp_path / "tree") as tree:
        assert (tree / "file.txt").read_text() == "x"


def test_hooks_of_the_project_do_not_run(repository, tmp_path):
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    with worktree(repository, resolve(repository, "main"), tmp_path / "tree"):
        pass
    assert not (tmp_path / "ran").exists()


def test_an_outer_git_command_does_not_lead_elsewhere(repository, tmp_path, monkeypatch):
    head = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert resolve(repository, "main") == head


def test_a_worktree_onto_something_that_exists_is_an_error(repository, tmp_path):
    write(tmp_path, {"tree/file": ""})
    with (
        pytest.raises(HarnessError, match="already exists"),
        worktree(repository, resolve(repository, "main"), tmp_path / "tree"),
    ):
        pass
    assert (tmp_path / "tree" / "file").exists()
