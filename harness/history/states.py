"""The git facts of a state of the code: the digest of its measured paths, its time, its subject, and its web address.

Commits that leave the measured paths unchanged have one state: a chain goes on over commits of documents, and over a merge
that brings exactly the measured branch.
"""

import dataclasses
import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.history.entry import State
from harness.session.sides import git

_HTTPS = re.compile(r"https?://(?:[^@/]*@)?([\w.-]+(?::\d+)?)/(.+?)(?:\.git)?/?", re.ASCII)
_SSH = re.compile(r"(?:ssh://)?[\w.-]+@([\w.-]+)(?::\d+)?[:/](.+?)(?:\.git)?/?", re.ASCII)
_AT_ONCE = 500


@dataclasses.dataclass(frozen=True, slots=True)
class CommitFacts:
    """The time of a commit (ISO 8601, UTC) and the first line of its message."""

    committed: str
    subject: str


def is_repository(project: Path) -> bool:
    """Return True if git knows the folder."""
    try:
        return git.run(project, "rev-parse", "--git-dir").returncode == 0
    except HarnessError:
        return False


def code_of(project: Path, commit: str, paths: Sequence[str]) -> str | None:
    """Return the digest of the measured paths (relative to the project) in a commit; None if git has none of them."""
    if not paths:
        return None
    done = git.run(project, "ls-tree", commit, "--", *sorted(paths))
    if done.returncode or not done.stdout.strip():
        return None
    return hashlib.sha256(
        "\n".join(sorted(done.stdout.splitlines())).encode("utf-8", "surrogateescape")
    ).hexdigest()[:16]


def state_of(project: Path, commit: str, paths: Sequence[str]) -> State:
    """Return the state of a commit, with whatever git knows of it."""
    facts = facts_of(project, [commit]).get(commit)
    return State(
        commit=commit, code=code_of(project, commit, paths), committed=facts.committed if facts else None
    )


def facts_of(project: Path, commits: Iterable[str]) -> dict[str, CommitFacts]:
    """Return the facts of those commits that the repository has; none outside of one."""
    wanted, found = list(dict.fromkeys(commits)), {}
    if not wanted or not is_repository(project):
        return {}
    for first in range(0, len(wanted), _AT_ONCE):
        words = ("log", "--no-walk=unsorted", "--ignore-missing", "--format=%H%x00%ct%x00%s")
        done = git.run(project, *words, *wanted[first : first + _AT_ONCE], "--")
        for line in done.stdout.splitlines():
            commit, seconds, subject = line.split("\0", 2)
            committed = dt.datetime.fromtimestamp(int(seconds), dt.UTC).isoformat(timespec="seconds")
            found[commit] = CommitFacts(committed, subject.encode("utf-8", "replace").decode())
    return found


def is_unchanged(project: Path, commit: str, paths: Sequence[str]) -> bool:
    """Return True if the files at these paths are those of the commit, without new ones beside them."""
    words = ("status", "--porcelain", "--no-renames", "--untracked-files=all", "--", *paths)
    left_out = (":(exclude,glob)**/__pycache__/**", ":(exclude,glob)**/*.egg-info/**")
    done = git.run(project, *words, *left_out)
    at = git.run(project, "rev-parse", "HEAD").stdout.strip()
    return done.returncode == 0 and not done.stdout.strip() and at == commit


def web_address(project: Path) -> str | None:
    """Return the address below which a web host shows the project's commits, from its remote; None without one."""
    remote = git.run(project, "remote", "get-url", "origin") if is_repository(project) else None
    if remote is None or remote.returncode:
        return None
    return commits_address(remote.stdout.strip())


def commits_address(remote: str) -> str | None:
    """Return the web address of the commits of a remote; None for a remote that is no web host.

    Logins in the address of a remote are left out.
    """
    found = _HTTPS.fullmatch(remote) or _SSH.fullmatch(remote)
    if found is None or not re.fullmatch(r"[\w./~+-]+", found[2], re.ASCII):
        return None
    host, path = found[1], found[2]
    between = "/-/commit/" if "gitlab" in host else "/commits/" if "bitbucket" in host else "/commit/"
    return f"https://{host}/{path}{between}"
