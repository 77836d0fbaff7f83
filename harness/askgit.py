"""Query git without side effects: no hook runs, no lock is taken, no index is refreshed, no object is fetched."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
_KEPT = ("GIT_CONFIG_", "GIT_SSH", "GIT_ASKPASS", "GIT_SSL_", "GIT_EXEC_PATH")
"""Variables about the user and the machine, not about one repository: `safe.directory` is set there, and logins."""
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def ask_git(
    folder: Path, *words: str, timeout_s: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run git in `folder` and return its result. By default git fetches no objects that a partial clone lacks.

    Raises OSError if git is missing, subprocess.TimeoutExpired after `timeout_s`.
    """
    settings = (word for setting in _SETTINGS for word in ("-c", setting))
    return subprocess.run(
        ["git", "-C", str(folder), *settings, *words],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=timeout_s,
        check=False,
        stdin=subprocess.DEVNULL,
        env=git_environment() | ({"GIT_NO_LAZY_FETCH": "1"} if environment is None else dict(environment)),
    )


def git_environment() -> dict[str, str]:
    """Return the environment without variables of an outer git command or a hook, which point to another repository."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or (name.startswith(_KEPT) and name != "GIT_CONFIG_PARAMETERS")
    }
    return kept | _QUIET
