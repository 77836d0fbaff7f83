"""The pinned node packages of the tests: installed once into a cache folder, by npm; nothing of them is in the repository."""

import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PINNED = ROOT / "tests" / "node"
_FILES = ("package.json", "package-lock.json")
_INSTALL = (
    "npm",
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--loglevel=error",
)
_MOST_S = 240
_LEAST_NODE = 20


def node_modules() -> Path:
    """Return the folder of the installed packages; skips the test, with the reason, where they cannot be had."""
    found = _installed()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@functools.cache
def _installed() -> Path | str:
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        return f"{missing[0]} is not installed (Debian: nodejs, npm)"
    version = subprocess.run(
        ["node", "--version"], check=True, capture_output=True, text=True, timeout=30
    ).stdout.strip()
    if int(version.lstrip("v").partition(".")[0] or 0) < _LEAST_NODE:
        return f"node {version} is too old (needed: {_LEAST_NODE})"
    folder = (
        _cache() / hashlib.sha256(b"".join((PINNED / name).read_bytes() for name in _FILES)).hexdigest()[:16]
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Several workers of the tests install once, and a failure of one is known to all.
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder / "node_modules" if folder.is_dir() else _install(folder)


def _cache() -> Path:
    # The tests' own folders of state and cache are new each time.
    return Path(os.environ.get("HARNESS_TEST_CACHE") or Path.home() / ".cache" / "asset-harness-tests")


def _install(folder: Path) -> Path | str:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        for name in _FILES:
            shutil.copy(PINNED / name, scratch)
        try:
            done = subprocess.run(
                _INSTALL, cwd=scratch, capture_output=True, text=True, timeout=_MOST_S, check=False
            )
        except subprocess.TimeoutExpired:
            return f"npm did not install the packages of tests/node within {_MOST_S} s"
        if done.returncode:
            said = next(iter(done.stderr.strip().splitlines()), "").removeprefix("npm error ")
            return f"npm cannot install the packages of tests/node: {said[:200]}"
        with contextlib.suppress(FileExistsError):
            Path(scratch).rename(folder)
            Path(scratch).mkdir()
    return folder / "node_modules"
