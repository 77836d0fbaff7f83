"""The git queries of a session; all of them leave the user's repository unchanged."""

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness.askgit import ask_git
from harness.errors import HarnessError, UsageError

Done = subprocess.CompletedProcess[str]

_TIMEOUT_S = 300.0
_SENTENCES = 3
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"\w[\w.+/-]*", re.ASCII)
_NO_CHANGES = (":(exclude,glob)**/__pycache__/**", ":(exclude,glob)**/*.egg-info/**")
"""Files that importing and installing a checkout leave in it."""


def resolve(project: Path, revision: str) -> str:
    """Return the full commit of a revision; falls back to the remote's where a clone lacks the local branch.

    Raises UsageError if `project` is outside of a repository, or the revision is unknown there.
    """
    require_repository(project)
    for name in (revision, f"{_remote(project)}/{revision}"):
        commit = _commit(project, name)
        if commit is not None:
            return commit
    raise UsageError(
        f"Revision '{revision}' does not exist in this repository",
        where=str(project),
        remedy=f"Name a branch, tag or commit; if the remote has it: {_fetch(project, revision)}",
    )


def merge_base(project: Path, commit: str, named: str = "") -> str:
    """Return the commit where the checkout left the history of `commit`, which the user called `named`.

    Later commits on the base are not part of this checkout's change.

    Raises UsageError where that commit is unknown: in a shallow clone that ends before it, or without common history.
    """
    named = named or commit[:12]
    head = _commit(project, "HEAD")
    if head is None:
        raise UsageError(
            "This checkout has no commit yet", where=str(project), remedy="Commit once, then gate a change"
        )
    found = run(project, "merge-base", commit, head).stdout.split()
    if found and not _is_cut(project, commit, head, found[0]):
        return found[0]
    if is_shallow(project):
        raise UsageError(
            f"This clone is shallow: it does not reach the commit where this checkout left '{named}'",
            where=str(project),
            remedy=f"Fetch the history: {_fetch(project, named)}",
        )
    raise UsageError(
        f"This checkout and '{named}' have no commit in common",
        where=str(project),
        remedy="Name the branch that this one was made from: harness gate --base REVISION",
    )


def _remote(project: Path) -> str:
    names = run(project, "remote").stdout.split()
    return names[0] if names and "origin" not in names else "origin"


def _fetch(project: Path, revision: str) -> str:
    """Return the one command that brings a revision of the remote, and the history up to it, into this clone."""
    remote = _remote(project)
    name = revision.removeprefix(f"{remote}/")
    words = ["git", "fetch", *(["--unshallow"] if is_shallow(project) else []), remote]
    if _COMMIT.fullmatch(name):
        words.append(name)
    elif _NAME.fullmatch(name):
        # A clone of a single branch, and the checkout of a pull request, would else not keep the name.
        words.append(f"+{name}:refs/remotes/{remote}/{name}")
    return shlex.join(words)


def _is_cut(project: Path, commit: str, head: str, base: str) -> bool:
    """Return True if the history ends between `base` and a tip: a nearer common commit may lie behind that end."""
    if base in {commit, head} or not (ends := _shallow_ends(project)):
        return False
    between = run(project, "rev-list", commit, head, "--not", base).stdout.split()
    return not ends.isdisjoint(between)


def _shallow_ends(project: Path) -> set[str]:
    try:
        return set(path_in(project, "shallow").read_text("ascii").split())
    except OSError:
        return set()


def is_shallow(project: Path) -> bool:
    """Return True if the history of the repository is truncated."""
    return run(project, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"


def require_repository(project: Path) -> None:
    """Raise UsageError if the folder is outside of a repository, or in one that git refuses to read."""
    done = run(project, "rev-parse", "--git-dir")
    if done.returncode == 0:
        return
    if "not a git repository" in done.stderr and "ownership" not in done.stderr:
        raise UsageError(
            "A git: side needs a git repository, and this folder is outside of one",
            where=str(project),
            remedy="Run this in the project's checkout, or compare folders: path:CHECKOUT",
        )
    raise UsageError(
        f"git refuses this repository: {sentences(done.stderr)}",
        where=str(project),
        remedy=f"If you trust it: git config --global --add safe.directory {shlex.quote(_top(project))}"
        if "ownership" in done.stderr
        else "Make 'git status' work here first",
    )


def _top(project: Path) -> str:
    """Return the top folder of the repository: git does not report it for a repository that it refuses."""
    tops = (folder for folder in (project, *project.parents) if (folder / ".git").exists())
    return str(next(tops, project))


def state(project: Path) -> str | None:
    """Return the commit of a checkout, with `+changes` if files differ or are untracked; None outside git.

    Byte code, and the facts of an editable installation, are no changes.
    """
    head = _commit(project, "HEAD")
    if head is None:
        return None
    # Rename detection would read, and in a partial clone fetch, the old files.
    changes = run(project, "status", "--porcelain", "--no-renames", "--", ".", *_NO_CHANGES).stdout.strip()
    return f"{head}+changes" if changes else head


def prefix(project: Path) -> str:
    """Return the project's path in its repository; empty at the top."""
    return run(project, "rev-parse", "--show-prefix").stdout.strip()


def path_in(project: Path, name: str) -> Path:
    """Return the path of a file in the project's git directory, for any kind of checkout."""
    # Of a worktree too, and of a git directory elsewhere.
    told = run(project, "rev-parse", "--git-path", name).stdout.removesuffix("\n")
    return (project / told).resolve()


def run(project: Path, *words: str, environment: Mapping[str, str] | None = None) -> Done:
    """Run git in the folder, and return its result. Raises UsageError if git is missing, HarnessError if it hangs."""
    try:
        return ask_git(project, *words, timeout_s=_TIMEOUT_S, environment=environment)
    except FileNotFoundError as error:
        raise UsageError("There is no git on PATH", remedy="Install git") from error
    except subprocess.TimeoutExpired as error:
        raise HarnessError(f"git {words[0]} took over {_TIMEOUT_S:g} s", where=str(project)) from error


def sentences(text: str) -> str:
    """Return git's message: the last lines of its error output."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("error:", "fatal:"))] or lines
    words = (line.removeprefix("error: ").removeprefix("fatal: ") for line in told[-_SENTENCES:])
    said = "; ".join(dict.fromkeys(words)) or "no message"
    # A name that is not UTF-8 must not break the printing code.
    return said.encode("utf-8", "replace").decode()


def _commit(project: Path, name: str) -> str | None:
    done = run(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return done.stdout.strip() if done.returncode == 0 else None
