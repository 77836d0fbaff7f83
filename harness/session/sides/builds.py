"""Build sides, once for each state of their files, command and tools, and keep the results for a day.

A result is used again only for a day: compilers and the packages that a build fetches change, and a side built with other
tools than the other one would be measured for their difference.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import importlib.metadata
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.errors import HarnessError, ServerError, UsageError
from harness.policy.build import Build
from harness.session.sides import sources
from harness.supervise import Child, Supervisor, private_folder
from harness.supervise.ending import ending
from harness.units import format_duration

KEPT_S = 24 * 3600.0
MOST_KEPT = 16
LIMIT_S = 1800.0
"""Time after which a build counts as hung, in seconds."""
_RESULT, _LOG, _FAILED = "overlay", "build.log", "failed"
_TOOLS = ("CC", "CXX", "CFLAGS", "CPPFLAGS", "CXXFLAGS", "LDFLAGS", "LDSHARED", "ARCHFLAGS", "RUSTFLAGS")
_TOOL_PREFIXES = ("PIP_", "CARGO_", "CMAKE_", "SETUPTOOLS_", "CIBW_")
_LARGEST_RECIPE_BYTES = 200_000
_VERSION_LOST = ("setuptools-scm", "setuptools_scm", "hatch-vcs", "versioneer", "vcs_versioning")
_BESIDE_THE_POINT = ("subprocess-exited-with-error", "note:", "This error originates", "See above")

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Builder:
    """Builds sides with one command. `say` tells the waiting user what is built."""

    build: Build
    supervisor: Supervisor
    say: Say = lambda _sentence: None
    python: str = sys.executable

    @classmethod
    def of(cls, build: Build | None, supervisor: Supervisor, say: Say) -> "Builder | None":
        """Return the builder of a policy; None where it has no command."""
        return None if build is None else cls(build, supervisor, say)

    def into(self, destination: Path, what: str, project: Path, top: Path) -> None:
        """Write what the command builds of `project` in the copy `top` into a new folder, built now or within the last day.

        Raises `HarnessError` for a command that fails, `UsageError` for one that does not exist or builds nothing.
        """
        with _locked(self.say) as cache:
            _clean(cache)
            kept = cache / self._key(project, top)
            if not kept.exists():
                self._make(kept, what, project, top)
            shutil.copytree(kept / _RESULT, destination)

    def _make(self, kept: Path, what: str, project: Path, top: Path) -> None:
        self.say(f"Building {what} …")
        with private_folder() as scratch:
            tree, overlay, log = scratch / "tree", scratch / _RESULT, scratch / _LOG
            shutil.copytree(top, tree, symlinks=True)
            overlay.mkdir()
            started_s = time.monotonic()
            try:
                self._run(what, tree / project.relative_to(top), overlay, log)
                _require_content(overlay, what)
            except HarnessError as error:
                error.remedy = f"{error.remedy} (the whole log is {_keep_failed(kept, log)})"
                raise
            part = kept.with_name(f"{kept.name}.part")
            # Links into the copy of the files, which is removed, are followed.
            shutil.copytree(overlay, part / _RESULT, ignore_dangling_symlinks=True)
            shutil.copyfile(log, part / _LOG)
            part.rename(kept)
        self.say(f"Built {what} in {format_duration(max(1, round(time.monotonic() - started_s)))}.")

    def _run(self, what: str, tree: Path, overlay: Path, log: Path) -> None:
        argv = self.build.argv(overlay=overlay, tree=tree, python=self.python)
        if "/" in argv[0]:
            # A script of the side's own, and not of the folder that the harness runs in.
            argv[0] = str(tree / argv[0])
        log.write_text(f"$ {shlex.join(argv)}\n", "utf-8", "surrogateescape")
        try:
            with self.supervisor.start("the build", argv, log=log, env=_environment(), cwd=tree) as child:
                self._wait(child, what)
        except ServerError as error:
            raise UsageError(
                f"The build command starts with '{argv[0]}', which is no program here",
                remedy='Correct `build` of [tool.harness]; "pip" builds as pip does',
            ) from error

    def _wait(self, child: Child, what: str) -> None:
        try:
            code = child.wait(LIMIT_S)
        except ServerError as error:
            raise HarnessError(
                f"The build of {what} was stopped after {format_duration(LIMIT_S)}",
                remedy="Make the command end by itself",
            ) from error
        if code != 0:
            text = child.log_tail(400)
            raise HarnessError(
                f"The build of {what} failed, for '{shlex.split(self.build.command)[0]}' {ending(code)}: {complaint(text)}",
                remedy=_remedy(text),
            )

    def _key(self, project: Path, top: Path) -> str:
        facts = [
            sources.digest(top), str(project.relative_to(top)), self.build.command, self.python, sys.version,
            sysconfig.get_config_var("EXT_SUFFIX"), _compiler(), _installed(), _settings(project),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(facts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def complaint(log: str) -> str:
    """Return the sentence of a failed build: its first error and the last lines that tell one, or else the last lines."""
    lines = [line.strip() for line in log.splitlines()[1:] if line.strip()]
    lines = [line for line in lines if not any(words in line for words in _BESIDE_THE_POINT)]
    errors = [line for line in lines if "error" in line.lower()]
    told = [*errors[:1], *errors[-2:]] if errors else lines[-3:]
    return " | ".join(dict.fromkeys(told)).rstrip(".") or "no message"


def cache_folder() -> Path:
    """Return the folder for built sides: `asset-harness/builds` in the user's cache."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(named) if named.startswith("/") else Path.home() / ".cache"
    return folder / "asset-harness" / "builds"


@contextlib.contextmanager
def _locked(say: Say) -> Iterator[Path]:
    """Yield the cache, which no other process changes meanwhile; the kernel frees the lock at any end of its owner."""
    try:
        cache = cache_folder()
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(cache / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (OSError, RuntimeError) as error:
        raise HarnessError(
            f"The folder for built sides cannot be made: {error}",
            remedy="Name another place in XDG_CACHE_HOME",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another session builds its sides; waiting for it …")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield cache
    finally:
        os.close(descriptor)


def _clean(cache: Path) -> None:
    """Remove what is older than a day, all but the newest results, and what an ended process left half-built."""
    kept = [path for path in cache.iterdir() if path.is_dir() and path.suffix != ".part"]
    logs = [path for path in cache.iterdir() if path.name.startswith(_FAILED)]
    for group in (kept, logs):
        group.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        oldest_s = time.time() - KEPT_S
        for path in group[:MOST_KEPT]:
            if path.stat().st_mtime < oldest_s:
                _remove(path)
        for path in group[MOST_KEPT:]:
            _remove(path)
    for path in cache.glob("*.part"):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        # Renamed first: a removal that is interrupted leaves no half of a result.
        gone = path if path.suffix == ".part" else path.rename(path.with_suffix(".part"))
        shutil.rmtree(gone, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _keep_failed(kept: Path, log: Path) -> Path:
    return Path(shutil.copyfile(log, kept.with_name(f"{_FAILED}-{kept.name[:12]}.log")))


def _require_content(overlay: Path, what: str) -> None:
    if not any(overlay.iterdir()):
        raise UsageError(
            f"The build of {what} put nothing into {{overlay}}",
            remedy="Let the command install into that folder, as `pip install --no-deps --target {overlay} {tree}` does",
        )


def _environment() -> dict[str, str]:
    """Return our environment with the programs of our interpreter first, and without the variables of an outer git."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    programs = str(Path(sys.executable).parent)
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "GIT_TERMINAL_PROMPT": "0"}
    return {**kept, **quiet, "PATH": os.pathsep.join((programs, kept.get("PATH", os.defpath)))}


def _remedy(log: str) -> str:
    if any(name in log for name in _VERSION_LOST) and ("version" in log or "shallow" in log):
        return (
            "If it asks git for the version: fetch the tags (git fetch --tags --unshallow; fetch-depth: 0 in a workflow), "
            "or set SETUPTOOLS_SCM_PRETEND_VERSION=0"
        )
    if "No module named pip" in log:
        return "Install pip into the harness's environment, or name another command"
    return "Make the command work in a fresh clone of the project"


def _compiler() -> str:
    """Return the first line with which the C compiler names itself; empty without one."""
    named = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    with contextlib.suppress(OSError, IndexError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [named[0], "--version"], capture_output=True, text=True, check=False, timeout=30
        )
        return done.stdout.partition("\n")[0]
    return ""


def _installed() -> list[str]:
    return sorted({f"{one.name}=={one.version}" for one in importlib.metadata.distributions()})


def _settings(project: Path) -> dict[str, str]:
    """Return the variables that may change a build: those of compilers, and those that the project's own recipes name."""
    recipes = "\n".join(
        path.read_text("utf-8", "replace")
        for path in sorted(project.iterdir())
        if path.is_file() and path.stat().st_size <= _LARGEST_RECIPE_BYTES
    )
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name in _TOOLS or name.startswith(_TOOL_PREFIXES) or (len(name) > 2 and name in recipes)
    }
