"""A side's checkout is our own: complete, with the project's filters, and nothing is ever written into its repository."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from harness.errors import HarnessError, UsageError
from harness.session.sides import git as asking
from harness.session.sides.checkout import check_out, fill_submodules, require_complete
from harness.supervise import sweep
from tests.support.git import git
from tests.support.listing import unwritten
from tests.support.session import SOURCE, commit, project, write


@pytest.fixture
def repository(tmp_path):
    return project(tmp_path / "repository")


def head(folder: Path) -> str:
    return asking.resolve(folder, "HEAD")


def make_old(repository: Path) -> str:
    """Change the package in a second commit, and return the first."""
    old = head(repository)
    commit(repository, {"pkg/__init__.py": "changed = 1\n"})
    return old


def of_package(tree: Path) -> str:
    return (tree / "pkg" / "__init__.py").read_text()


def test_a_checkout_has_the_files_of_its_revision_and_writes_nothing_into_the_repository(
    repository, tmp_path
):
    old = make_old(repository)
    with unwritten(repository / ".git"):
        assert of_package(check_out(repository, old, tmp_path / "tree")) == SOURCE
    assert asking.state(tmp_path / "tree") == old


def test_other_worktrees_of_the_user_are_kept_while_their_folders_are_away(repository, tmp_path):
    git(repository, "worktree", "add", "--quiet", tmp_path / "other")
    write(tmp_path, {"other/staged.txt": "work"})
    git(tmp_path / "other", "add", "staged.txt")
    (tmp_path / "other").rename(tmp_path / "away")
    with unwritten(repository / ".git"):
        check_out(repository, head(repository), tmp_path / "tree")
    (tmp_path / "away").rename(tmp_path / "other")
    assert git(tmp_path / "other", "status", "--short") == "A  staged.txt"


def test_attributes_for_archives_change_nothing(repository, tmp_path):
    attributes = "hidden.txt export-ignore\nversion.txt export-subst\n"
    made = commit(repository, {".gitattributes": attributes, "hidden.txt": "", "version.txt": "$Format:%H$"})
    tree = check_out(repository, made, tmp_path / "tree")
    assert (tree / "hidden.txt").exists()
    assert (tree / "version.txt").read_text() == "$Format:%H$"


def test_tools_that_read_versions_from_tags_find_them(repository, tmp_path):
    git(repository, "tag", "-a", "-m", "one", "v1.0")
    new = commit(repository, {"more.txt": ""})
    assert git(check_out(repository, new, tmp_path / "tree"), "describe", "--tags").startswith("v1.0-1-g")


def test_a_project_below_the_top_of_its_repository_is_found_in_the_checkout(tmp_path):
    inner = project(tmp_path / "top", {"sub/inner/file.txt": "x"}) / "sub" / "inner"
    assert asking.prefix(inner) == "sub/inner/"
    assert (check_out(inner, head(inner), tmp_path / "tree") / "file.txt").read_text() == "x"


def test_hooks_of_the_project_do_not_run(repository, tmp_path):
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    check_out(repository, head(repository), tmp_path / "tree")
    assert not (tmp_path / "ran").exists()


def worktree(repository, tmp_path):
    git(repository, "worktree", "add", "--quiet", "--detach", tmp_path / "user")
    return tmp_path / "user"


def git_folder_elsewhere(repository, tmp_path):
    git(tmp_path, "clone", "--quiet", "--separate-git-dir", tmp_path / "else.git", repository, "user")
    return tmp_path / "user"


def worktree_of_a_bare_repository(repository, tmp_path):
    git(tmp_path, "clone", "--quiet", "--bare", repository, "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "--quiet", "--detach", tmp_path / "user")
    return tmp_path / "user"


def chain_of_alternates(repository, tmp_path):
    for before, name in (("repository", "one"), ("one", "two"), ("two", "three"), ("three", "user")):
        git(tmp_path, "clone", "--quiet", "--shared", tmp_path / before, name)
    return tmp_path / "user"


def shallow(repository, tmp_path):
    git(tmp_path, "clone", "--quiet", "--depth", "2", f"file://{repository}", "user")
    return tmp_path / "user"


def partial(repository, tmp_path):
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{repository}", "user")
    return tmp_path / "user"


@pytest.mark.parametrize(
    "make",
    [worktree, git_folder_elsewhere, worktree_of_a_bare_repository, chain_of_alternates, shallow, partial],
)
def test_every_kind_of_checkout_is_read_and_never_written(repository, tmp_path, make):
    old = make_old(repository)
    user = make(repository, tmp_path)
    with unwritten(user), unwritten(Path(git(user, "rev-parse", "--absolute-git-dir"))):
        assert of_package(check_out(user, old, tmp_path / "tree")) == SOURCE


def test_what_a_partial_clone_lacks_and_cannot_fetch_is_said_in_gits_words(repository, tmp_path):
    old = make_old(repository)
    user = partial(repository, tmp_path)
    repository.rename(tmp_path / "gone")
    with unwritten(user), pytest.raises(HarnessError, match="could not check out"):
        check_out(user, old, tmp_path / "tree")


def with_filter(repository, command):
    git(repository, "config", "filter.big.smudge", command)
    git(repository, "config", "filter.big.clean", "cat")
    git(repository, "config", "filter.big.required", "true")
    return commit(repository, {".gitattributes": "*.bin filter=big\n", "a.bin": "pointer\n"})


def test_filters_that_the_project_configures_are_applied(repository, tmp_path):
    made = with_filter(repository, "sed s/pointer/content/")
    assert (check_out(repository, made, tmp_path / "tree") / "a.bin").read_text() == "content\n"


def test_a_filter_that_fails_is_said_in_gits_words_and_not_blamed_on_the_disk(repository, tmp_path):
    made = with_filter(repository, "false")
    with pytest.raises(HarnessError, match="smudge filter big failed") as caught:
        check_out(repository, made, tmp_path / "tree")
    assert "disk" not in caught.value.remedy
    assert "git checkout" in caught.value.remedy


@pytest.fixture
def with_submodule(repository, tmp_path):
    library = project(tmp_path / "library", {"lib/__init__.py": "x = 1\n"})
    allowed = ("-c", "protocol.file.allow=always")
    git(repository, *allowed, "submodule", "--quiet", "add", library, "vendor/lib")
    commit(repository, {})
    return repository


def test_a_submodule_with_measured_code_is_filled_from_the_users_own(with_submodule, tmp_path):
    with unwritten(with_submodule / ".git"):
        tree = check_out(with_submodule, head(with_submodule), tmp_path / "tree")
        fill_submodules(with_submodule, tree, ["vendor/lib/lib"])
        require_complete(tree, ["vendor/lib/lib"])
    assert (tree / "vendor/lib/lib/__init__.py").read_text() == "x = 1\n"


def test_a_submodule_that_is_not_filled_is_refused_where_it_is_measured(with_submodule, tmp_path):
    tree = check_out(with_submodule, head(with_submodule), tmp_path / "tree")
    fill_submodules(with_submodule, tree, ["pkg"])
    require_complete(tree, ["pkg"])
    with pytest.raises(UsageError, match="submodule 'vendor/lib' is empty") as caught:
        require_complete(tree, ["vendor"])
    assert "git submodule update --init -- vendor/lib" in caught.value.remedy


def test_a_sparse_checkout_is_refused_where_it_leaves_out_what_is_measured(repository, tmp_path):
    made = commit(repository, {"other/__init__.py": ""})
    git(repository, "sparse-checkout", "set", "pkg")
    require_complete(repository, ["pkg"])
    with pytest.raises(
        UsageError, match=r"sparse and omits the measured file 'other/__init__\.py'"
    ) as caught:
        require_complete(repository, ["other"])
    assert "git sparse-checkout add other" in caught.value.remedy
    # The other side is as sparse: a partial clone has no more of it.
    tree = check_out(repository, made, tmp_path / "tree")
    assert (of_package(tree), (tree / "other").exists()) == (SOURCE, False)


KILLED = """
import os, signal, subprocess, sys
from pathlib import Path
from harness.policy.policy import Policy
from harness.session.sides.prepare import prepare
from harness.session.sides.subjects import parse_tree, working_tree
from harness.supervise import Supervisor

project, moments = Path(sys.argv[1]), [int(word) for word in sys.argv[2].split(",")]
real = subprocess.Popen


def prepared():
    with Supervisor() as supervisor:
        with prepare(parse_tree("git:HEAD~1", project), working_tree(project), Policy(), supervisor, Path(os.devnull)):
            os.kill(os.getpid(), signal.SIGKILL)


def start(*words, **options):
    global left
    left -= 1
    child = real(*words, **options)
    if left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return child


subprocess.Popen = start
for left in moments:
    pid = os.fork()
    if not pid:
        prepared()
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
"""


def test_a_session_killed_at_any_moment_has_written_nothing_and_is_swept_by_the_next(
    repository, tmp_path, monkeypatch
):
    make_old(repository)
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    # An index that a plain status would write again.
    os.utime(repository / "pkg" / "__init__.py", (1, 1))
    moments = ",".join(str(number) for number in (1, 2, 4, 6, 8, 10, 12, 14, 16, 10_000))
    with unwritten(repository):
        subprocess.run(
            [sys.executable, "-c", KILLED, repository, moments],
            check=True,
            env={**os.environ, "TMPDIR": str(place)},
            start_new_session=True,
        )
    deadline_s = time.monotonic() + 10
    # A git that its session left alone may still write for a moment.
    while list(place.iterdir()) and time.monotonic() < deadline_s:
        sweep()
    assert list(place.iterdir()) == []
