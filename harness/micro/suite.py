"""A suite of micro-benchmarks, and pytest's job to collect it: the same for every program that runs it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.micro import pytest_options
from harness.micro.places import Places

VARIANT_VARIABLE = "ASSET_CORE_VARIANT"
"""Environment variable with the variant that benchmarks measure."""


@dataclasses.dataclass(frozen=True, slots=True)
class Suite:
    """The suite at `places` of a project, and how it is imported.

    `path` is put first on the import path: the folders with the measured code. `plugins` are pytest plugins that are
    loaded beside those that are installed.
    """

    project: Path
    places: Places
    path: tuple[Path, ...] = ()
    plugins: tuple[str, ...] = ()
    overlay: Path | None = None
    """Folder with the project as it was built, which alone its code is imported from; None for the project as it is."""

    @property
    def root(self) -> Path:
        """The folder that names of benchmarks are relative to."""
        return self.project / self.places.root

    def paths(self, names: Sequence[str] | None = None) -> list[Path]:
        """Return the files of the benchmarks `names` for pytest, or the whole suite for None.

        Returns the whole suite too where a file's name is not encodable, so that its benchmarks do not lead to it.
        """
        whole = [self.project / place for place in self.places.found]
        if names is None:
            return whole
        files = [self.root / file for file in dict.fromkeys(name.partition("::")[0] for name in names)]
        return files if files and all(file.exists() for file in files) else whole

    def job(self, empty_ini: Path) -> dict[str, Any]:
        """Return the part of a program's job that tells what to collect; `empty_ini` is for projects without configuration."""
        return collection_job(self.project, self.places, empty_ini, self.plugins)

    def check(self) -> None:
        """Raise `UsageError` if the suite does not exist."""
        for place in self.paths():
            if not place.exists():
                raise UsageError(
                    "The suite of micro-benchmarks does not exist",
                    where=str(place),
                    remedy='Correct `suite = "…"` of [tool.harness] in pyproject.toml: a folder or a file of '
                    "pytest-benchmark tests",
                )


def collection_job(
    project: Path, places: Places, empty_ini: Path, plugins: Sequence[str] = ()
) -> dict[str, Any]:
    """Return pytest's options for the suite at `places` of the folder `project`, and what `collection.py` needs to know."""
    config = project / places.config if places.config else empty_ini
    root = config.parent if places.config else project
    return {
        "options": [*pytest_options.options(config, root, plugins), f"--confcutdir={project}"],
        "prefix": (project / places.root).relative_to(root).as_posix().removesuffix("."),
        "asv": str(project / places.asv) if places.asv else "",
    }
