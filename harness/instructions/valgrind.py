"""Find Valgrind, and check that it counts on this machine."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

from harness.errors import UsageError
from harness.instructions import counter
from harness.supervise import private_folder

COUNTER = Path(counter.__file__)
INSTALL = "Install it: apt-get install valgrind, dnf install valgrind"
"""The remedy where Valgrind is missing."""
_LONGEST_S = 60.0
_ANSWER = "counting"


def command(folder: Path, *options: str) -> tuple[str, ...]:
    """Return the words before a program that Callgrind shall run, without counting yet; its counts go into `folder`."""
    return (
        shutil.which("valgrind") or "valgrind",
        "--quiet",
        "--vgdb=no",
        "--tool=callgrind",
        "--instr-atstart=no",
        f"--callgrind-out-file={folder}/counts.%p",
        *options,
    )


def trouble() -> tuple[str, str]:
    """Return why this machine cannot count instructions, and the remedy; both empty where it can. Takes a second."""
    machine = platform.machine()
    if machine not in counter.CODE or sys.maxsize < 2**32:
        known = " and ".join(counter.CODE)
        return (
            f"instructions are counted on {known} only, and this is {machine}",
            f"Use a machine with {known}",
        )
    if shutil.which("valgrind") is None:
        return "valgrind is not installed", INSTALL
    with private_folder() as folder:
        try:
            ran = subprocess.run(
                [*command(folder), sys.executable, "-I", "-S", str(COUNTER), str(folder)],
                capture_output=True, text=True, timeout=_LONGEST_S, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"valgrind cannot be run: {error}", INSTALL
    if ran.returncode == 0 and ran.stdout.strip() == _ANSWER:
        return "", ""
    said = (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1]
    return f"valgrind cannot run this Python: {said}", "Use a newer Valgrind, or a machine that lets it run"


def version() -> str:
    """Return the version of the installed Valgrind, such as `valgrind-3.19.0`; empty without one."""
    try:
        ran = subprocess.run(
            ["valgrind", "--version"], capture_output=True, text=True, timeout=_LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip()


def require() -> None:
    """Raise `UsageError` where this machine cannot count instructions."""
    why, remedy = trouble()
    if why:
        raise UsageError(f"The suite 'instructions' cannot be measured: {why}", remedy=remedy)
