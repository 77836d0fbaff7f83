"""The few things that a session asks of git; nothing here changes a branch, an index or a checkout of the user."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from harness.errors import HarnessError, UsageError

_TIMEOUT_S = 300.0


def resolve(project: Path, revision: str) -> str:
    """Return the full commit of a revision; `origin/REVISION` serves where a clone has no local branch of it.

    Raises UsageError if `project` is in no repository, or the revision is unknown there.
    """
    require_repository(project)
    for name in (revision, f"origin/{revision}"):
        done = _run(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.strip()
    raise UsageError(
        f"There is no revision '{revision}' here",
        where=str(project),
        remedy=f"Name a branch, tag or commit; a shallow clone may lack it: git fetch origin {revision}",
    )


def merge_base(project: Path, commit: str) -> str:
    """Return the commit where the checkout left the history of `commit`; that one itself where they share none.

    What others have added to the base since is not this checkout's doing.
    """
    done = _run(project, "merge-base", commit, "HEAD")
    return done.stdout.strip() or commit


def require_repository(project: Path) -> None:
    """Raise UsageError if the folder is in no repository."""
    if _run(project, "rev-parse", "--git-dir").returncode != 0:
        raise UsageError(
            "A git: subject needs a git repository, and this folder is in none",
            where=str(project),
            remedy="Run this in the project's checkout, or compare folders: path:CHECKOUT",
        )


def state(project: Path) -> str | None:
    """Return the commit of a checkout, with `+changes` if files differ or are untracked; None outside git."""
    head = _run(project, "rev-parse", "--verify", "--quiet", "HEAD")
    if head.returncode != 0:
        return None
    changes = _run(project, "status", "--porcelain", "--", ".").stdout.strip()
    return f"{head.stdout.strip()}+changes" if changes else head.stdout.strip()


def prefix(project: Path) -> str:
    """Return where the project lies in its repository; empty at the top."""
    return _run(project, "rev-parse", "--show-prefix").stdout.strip()


@contextlib.contextmanager
def worktree(project: Path, commit: str, folder: Path) -> Iterator[Path]:
    """Yield the project's folder in a worktree of that commit; the worktree is gone afterwards.

    Raises HarnessError if git cannot make it.
    """
    # What a session left that was killed: the folder is gone, git's note of it is not.
    _run(project, "worktree", "prune")
    try:
        done = _run(project, "worktree", "add", "--detach", "--quiet", str(folder), commit)
        if done.returncode != 0:
            raise HarnessError(
                f"git could not make a worktree of {commit[:12]}: {_last_line(done.stderr)}",
                where=str(folder),
                remedy="Free some disk, or name another place in TMPDIR",
            )
        yield folder / prefix(project)
    finally:
        _run(project, "worktree", "remove", "--force", str(folder))
        _run(project, "worktree", "prune")


def _run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run git without hooks: a post-checkout of the project must not run in our worktree."""
    command = ["git", "-C", str(project), "-c", "core.hooksPath=/dev/null", *words]
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
            env=_environment(),
        )
    except FileNotFoundError as error:
        raise UsageError("There is no git on PATH", remedy="Install git") from error
    except subprocess.TimeoutExpired as error:
        raise HarnessError(f"git {words[0]} took over {_TIMEOUT_S:g} s", where=str(project)) from error


def _environment() -> dict[str, str]:
    """Without what an outer git command or a hook has set: it would lead to another repository."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # A status must not lock or rewrite the user's index.
    return kept | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
