"""Git as the tests use it."""

import subprocess
from pathlib import Path

_NOBODY = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    """Run git in `folder`, as nobody in particular; return what it says."""
    done = subprocess.run(["git", "-C", folder, *_NOBODY, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()
