"""What a session asks of git, on repositories made for the purpose."""

import shlex

import pytest

from harness.errors import UsageError
from harness.session.sides.git import merge_base, resolve, sentences, state
from harness.storage.folder import SESSION, make
from tests.support.git import git
from tests.support.session import commit, project, write


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
    with pytest.raises(UsageError, match="if the remote has it: git fetch origin"):
        resolve(repository, revision)


def test_the_state_says_when_files_differ_or_are_untracked(repository):
    head = git(repository, "rev-parse", "HEAD")
    assert state(repository) == head
    write(repository, {"new.py": ""})
    assert state(repository) == f"{head}+changes"


def test_a_folder_outside_git_has_no_state(tmp_path):
    assert state(tmp_path) is None


def test_an_outer_git_command_does_not_lead_elsewhere(repository, tmp_path, monkeypatch):
    head = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert resolve(repository, "main") == head


def test_a_suggested_command_quotes_a_hostile_revision(repository):
    with pytest.raises(UsageError) as caught:
        resolve(repository, "x; rm -rf ~ #")
    assert caught.value.remedy.endswith("if the remote has it: git fetch origin")


def branch_off(repository, count=1):
    """Leave main for `change`, while main goes on by `count` commits; return the commit in common."""
    left = git(repository, "rev-parse", "HEAD")
    for number in range(count):
        commit(repository, {"main.txt": str(number)})
    git(repository, "checkout", "--quiet", "-b", "change", left)
    commit(repository, {"change.txt": ""})
    return left


def test_the_merge_base_is_where_the_checkout_left_detached_or_not(repository):
    left = branch_off(repository)
    main = resolve(repository, "main")
    assert merge_base(repository, main) == left
    git(repository, "checkout", "--quiet", "--detach")
    assert merge_base(repository, main) == left


def test_a_merge_commit_left_its_base_at_the_tip_that_it_merged(repository):
    branch_off(repository)
    git(repository, "merge", "--quiet", "--no-edit", "main")
    main = resolve(repository, "main")
    assert merge_base(repository, main) == main


@pytest.mark.parametrize("depth", ["1", "2"])
def test_a_shallow_clone_that_ends_before_the_merge_base_is_refused_with_what_to_type(
    repository, tmp_path, depth
):
    branch_off(repository, count=3)
    git(repository, "merge", "--quiet", "--no-edit", "main~2")
    url = f"file://{repository}"
    git(tmp_path, "clone", "--quiet", "--depth", depth, "--no-single-branch", url, "clone")
    clone = tmp_path / "clone"
    with pytest.raises(
        UsageError, match="does not reach the commit where this checkout left 'main'"
    ) as caught:
        merge_base(clone, resolve(clone, "main"), "main")
    type_in(clone, caught.value)
    assert merge_base(clone, resolve(clone, "main")) == git(repository, "rev-parse", "main~2")


def type_in(clone, error):
    """Type the one command that an error ends with."""
    command = shlex.split(error.remedy[error.remedy.index("git fetch") :])
    git(clone, *command[1:])


def of_pull_request(repository, tmp_path):
    """Check out the merge commit of a pull request as GitHub's action does: one commit deep, detached, one ref."""
    branch_off(repository, count=3)
    git(repository, "checkout", "--quiet", "--detach", "main")
    git(repository, "merge", "--quiet", "--no-edit", "change")
    git(repository, "update-ref", "refs/pull/7/merge", "HEAD")
    git(repository, "checkout", "--quiet", "main")
    clone = tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "clone")
    git(clone, "remote", "add", "origin", f"file://{repository}")
    ref = "refs/remotes/pull/7/merge"
    git(clone, "fetch", "--quiet", "--no-tags", "--depth=1", "origin", f"+refs/pull/7/merge:{ref}")
    git(clone, "checkout", "--quiet", "--force", ref)
    return clone


def of_single_branch(repository, tmp_path):
    branch_off(repository, count=3)
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=change", f"file://{repository}", "clone")
    return tmp_path / "clone"


def of_another_remote(repository, tmp_path):
    clone = of_single_branch(repository, tmp_path)
    git(clone, "remote", "rename", "origin", "upstream")
    return clone


@pytest.mark.parametrize("checked_out", [of_pull_request, of_single_branch, of_another_remote])
def test_a_checkout_without_its_base_is_told_the_one_command_that_helps(repository, tmp_path, checked_out):
    clone = checked_out(repository, tmp_path)
    with pytest.raises(UsageError, match="'main' does not exist") as caught:
        resolve(clone, "main")
    type_in(clone, caught.value)
    tip = git(repository, "rev-parse", "main")
    assert resolve(clone, "main") == tip
    # A merge commit left its base where it was merged, whatever the base did since.
    left = tip if checked_out is of_pull_request else git(repository, "merge-base", "main", "change")
    commit(repository, {"later.txt": ""})
    git(clone, "fetch", "--quiet", "--all")
    assert merge_base(clone, resolve(clone, "main")) == left


def test_importing_and_installing_a_checkout_does_not_change_it(repository):
    head = git(repository, "rev-parse", "HEAD")
    write(repository, {"pkg/__pycache__/a.pyc": "", "src/p.egg-info/PKG-INFO": ""})
    assert state(repository) == head


def test_a_run_folder_does_not_change_a_checkout(repository):
    make(repository / "runs" / "run", SESSION)
    assert state(repository) == git(repository, "rev-parse", "HEAD")
    assert git(repository, "status", "--porcelain") == ""


def test_a_common_commit_behind_the_end_of_a_shallow_history_is_not_taken_for_the_nearest(
    repository, tmp_path
):
    """History of the change: root - left - change, with root merged from elsewhere too; the clone lacks `left`."""
    root = git(repository, "rev-parse", "HEAD")
    left = commit(repository, {"main.txt": ""})
    git(repository, "checkout", "--quiet", "-b", "side", root)
    commit(repository, {"side.txt": ""})
    git(repository, "checkout", "--quiet", "-b", "change", left)
    change = commit(repository, {"change.txt": ""})
    git(repository, "merge", "--quiet", "--no-edit", "side")
    git(repository, "checkout", "--quiet", "main")
    commit(repository, {"main.txt": "2"})
    git(tmp_path, "clone", "--quiet", f"file://{repository}", "clone")
    clone = tmp_path / "clone"
    git(clone, "checkout", "--quiet", "change")
    assert merge_base(clone, resolve(clone, "main")) == left
    # As a fetch of limited depth leaves it: the parents of `change` are cut off, and `side` leads to the root still.
    (clone / ".git" / "shallow").write_text(f"{change}\n")
    assert git(clone, "merge-base", "main", "HEAD") == root
    with pytest.raises(UsageError, match="shallow"):
        merge_base(clone, resolve(clone, "main"), "main")


def test_a_shallow_clone_of_the_base_alone_needs_no_history(repository, tmp_path):
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository}", "clone")
    clone = tmp_path / "clone"
    commit(clone, {"change.txt": ""})
    tip = resolve(clone, "origin/main")
    assert merge_base(clone, tip) == tip


def test_histories_without_a_common_commit_are_refused(repository):
    git(repository, "checkout", "--quiet", "--orphan", "other")
    commit(repository, {"other.txt": ""})
    with pytest.raises(UsageError, match="no commit in common"):
        merge_base(repository, resolve(repository, "main"), "main")


def test_a_checkout_without_a_commit_is_refused(tmp_path, repository):
    git(repository, "checkout", "--quiet", "--orphan", "unborn")
    with pytest.raises(UsageError, match="no commit yet"):
        merge_base(repository, resolve(repository, "main"))


def test_a_repository_of_another_owner_is_refused_in_gits_own_words(repository, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setattr("harness.askgit._KEPT", ("GIT_CONFIG_", "GIT_TEST_"))
    with pytest.raises(UsageError, match="dubious ownership") as caught:
        resolve(repository, "main")
    assert f"git config --global --add safe.directory {repository}" in caught.value.remedy
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(repository))
    assert resolve(repository, "main")


def test_what_git_said_is_kept_without_its_chatter():
    said = "warning: something\nDownloading a.bin\nerror: external filter failed\nfatal: a.bin: smudge filter lfs failed\n"
    assert sentences(said) == "external filter failed; a.bin: smudge filter lfs failed"
    assert sentences("") == "no message"
