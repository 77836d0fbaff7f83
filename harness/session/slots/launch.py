"""The start conditions of a slot: its side's code, the benchmark files, and the environment."""

import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.micro import pytest_options
from harness.micro.places import Places
from harness.micro.suite import collection_job

INI = "slot.ini"
"""pytest's configuration in the session for suites of ours, and for projects without one."""
_DROPPED = {"PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP"}


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of a slot, in seconds; a slower one counts as hung."""

    start_s: float = 180.0
    """Time to import pytest, the plugins and the benchmarks."""
    ready_s: float = 120.0
    """Time to set one benchmark up and warm it up."""
    slice_s: float = 60.0
    end_s: float = 10.0

    def within(self, left_s: float) -> "Limits":
        """Return these limits, none of them longer than `left_s`, the rest of a budget."""
        most_s = max(left_s, 1.0)
        values = (self.start_s, self.ready_s, self.slice_s, self.end_s)
        return Limits(*(min(value, most_s) for value in values))


@dataclasses.dataclass(frozen=True, slots=True)
class Bench:
    """The benchmark files, the candidate's for all sides. `prefix` is the beginning of node ids in this folder.

    With `places`, `folder` holds what all sides have in common of a project, and a suite that runs under the project's own
    configuration of pytest; `mirrors` are the folders that show it with a side's own code, by the side's overlay. Without,
    it is a suite of ours, which no plugin and no configuration changes.
    """

    folder: Path
    suite: Path
    prefix: str = ""
    import_folders: tuple[Path, ...] = ()
    plugins: tuple[str, ...] = ()
    path: tuple[Path, ...] = ()
    """Folders put in front of the installed packages, if missing from the path."""
    cwd: Path | None = None
    """Working directory of slots; the mirror of the project, or the bench's folder, by default."""
    places: Places | None = None
    mirrors: Mapping[Path, Path] = dataclasses.field(default_factory=dict)

    @property
    def files(self) -> tuple[Path, ...]:
        """The whole suite, as files and folders."""
        if self.places is None:
            return (self.suite,)
        return tuple(self.folder / place for place in self.places.found)

    def file(self, relative: str) -> Path:
        """Return the path of a file by the name that slots give it."""
        return self.folder / f"{self.prefix}{relative}"

    def home_of(self, home: "Home") -> Path:
        """Return the folder that shows a side its project."""
        return self.mirrors.get(home.overlay, self.folder)


@dataclasses.dataclass(frozen=True, slots=True)
class Home:
    """The source of one side's code. All of it must lie in `tree`, links followed."""

    name: str
    overlay: Path
    roots: tuple[str, ...] = ()
    tree: Path | None = None
    python: str = sys.executable
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Launch:
    """The settings of one start. `order` of None takes all benchmarks in the order of their files.

    `warm` is the number of warm-up calls of each benchmark; those without a number are called until they are steady.
    `spin` is the injection of calibration, `{benchmark: (loops per call, loops per fiftieth call)}`.
    """

    files: tuple[Path, ...]
    order: Sequence[str] | None = None
    cpu: int | None = None
    hash_seed: int = 0
    padding_bytes: int = 0
    ballast: tuple[int, ...] = ()
    """Number of objects of each small size on the heap before anything is imported."""
    warm: Mapping[str, int] = dataclasses.field(default_factory=dict)
    spin: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    seed: int = 1
    """Seed of inputs that differ from block to block."""
    under: tuple[str, ...] = ()
    """Program (by its path) and arguments that run the slot's interpreter, such as Valgrind."""


def slot_environment(home: Home, launch: Launch) -> dict[str, str]:
    """Return the whole environment of a slot, without variables that change the side's code or pytest's behaviour."""
    # The packages of the running interpreter do not belong into a side's own environment.
    dropped = _DROPPED if home.python == sys.executable else _DROPPED | {"PYTHONPATH", "PYTHONHOME"}
    inherited = pytest_options.environment({**os.environ, **home.environment})
    kept = {name: value for name, value in inherited.items() if name not in dropped}
    return kept | {
        "PYTHONHASHSEED": str(launch.hash_seed),
        "PYTHONNODEBUGRANGES": "1",
        "SLOT_PADDING": "x" * launch.padding_bytes,
    }


def job_of(home: Home, bench: Bench, launch: Launch) -> dict[str, Any]:
    """Return the job of a slot: its first input line."""
    project = bench.home_of(home)

    def shown(place: Path) -> str:
        return str(project / place.relative_to(bench.folder) if place.is_relative_to(bench.folder) else place)

    if bench.places is None:
        alone = pytest_options.isolated(bench.folder / INI, bench.folder, bench.plugins)
        told = {"options": alone, "prefix": bench.prefix.rstrip("/"), "asv": ""}
    else:
        told = collection_job(project, bench.places, bench.folder / INI, bench.plugins)
    return {
        **told,
        "options": [*told["options"], "--continue-on-collection-errors", "-q"],
        "is_alone": bench.places is None,
        "overlay": str(home.overlay),
        "folders": [shown(folder) for folder in bench.import_folders],
        "path": [str(folder) for folder in bench.path],
        "files": [shown(file) for file in launch.files],
        "order": launch.order,
        "warm": launch.warm,
        "spin": launch.spin,
        "ballast": launch.ballast,
        "seed": launch.seed,
    }
