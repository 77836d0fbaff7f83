"""Make one environment per side, where the lock files of the sides differ."""

import hashlib
import subprocess
import sys
from pathlib import Path

from harness.errors import HarnessError, UsageError
from harness.redaction.visible import typed
from harness.storage import files
from harness.supervise import Supervisor
from harness.supervise.ending import ending

_INSTALL_S = 1800.0
_NEEDED = "pytest"


def content(text: str) -> str:
    """Return the content of a lock file: its lines without comments, blank lines and surrounding spaces."""
    lines = (line.split(" #")[0].strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def digest(lock: Path) -> str | None:
    """Return a digest of the lock file's content; None without a file."""
    try:
        return hashlib.sha256(content(files.read_text(lock)).encode()).hexdigest()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The lock file cannot be read: {error}",
            where=str(lock),
            remedy="Name another as [tool.harness] lock",
        ) from error


def make_environment(supervisor: Supervisor, lock: Path, folder: Path, log: Path) -> str:
    """Make a virtual environment from the lock file, and return its interpreter.

    pip requires a hash for every package as soon as the file has one.

    Raises HarnessError if pip cannot install it, UsageError if it has no pytest.
    """
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-input", "--quiet"]
    steps = (
        ("making the environment", [sys.executable, "-m", "venv", "--without-pip", str(folder)]),
        ("installing the lock file", [*pip, "--requirement", str(lock)]),
    )
    for what, command in steps:
        _run(supervisor, what, command, lock, log)
    _require_pytest(python, lock)
    return python


def _run(supervisor: Supervisor, what: str, command: list[str], lock: Path, log: Path) -> None:
    with supervisor.start(what, command, log=log, cwd=lock.parent) as child:
        if (code := child.wait(_INSTALL_S)) != 0:
            said = " | ".join(child.log_tail(3).splitlines()) or "no message"
            raise HarnessError(
                f"{what[0].upper()}{what[1:]} of one side failed, for pip {ending(code)}: {said}",
                where=str(lock),
                remedy=f"The whole log is {log}; try: {typed('pip', 'install', '--requirement', lock.name)}",
            )


def _require_pytest(python: str, lock: Path) -> None:
    done = subprocess.run([python, "-c", f"import {_NEEDED}"], capture_output=True, check=False, timeout=120)
    if done.returncode != 0:
        raise UsageError(
            "The lock files of the sides differ, so each side has its own environment, and one of them lacks pytest",
            where=str(lock),
            remedy="Lock the packages of the benchmarks too, including pytest, or name no lock in [tool.harness]",
        )
