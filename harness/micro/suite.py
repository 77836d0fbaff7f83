"""Where a suite of micro-benchmarks is, and how pytest is told to run it: the same for everybody who runs one."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.micro import pytest_options

VARIANT_VARIABLE = "ASSET_CORE_VARIANT"
"""The environment variable that tells benchmarks which variant to measure."""


@dataclasses.dataclass(frozen=True, slots=True)
class Suite:
    """A folder or file of pytest-benchmark tests.

    `path` is put in front of the import path: the folders that hold what is measured. `plugins` are the only pytest
    plugins that are loaded beside pytest-benchmark.
    """

    place: Path
    path: tuple[Path, ...] = ()
    plugins: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """The folder that names of benchmarks are relative to."""
        return self.place if self.place.is_dir() else self.place.parent

    def options(self, empty_ini: Path) -> list[str]:
        """Return pytest's options; `empty_ini` keeps the project's own configuration out."""
        # Files of conftest above the outermost package do not count.
        top = pytest_options.outermost_package(self.root)
        return [
            *pytest_options.options(empty_ini, self.root, ("pytest_benchmark.plugin", *self.plugins)),
            f"--confcutdir={top}", "--benchmark-enable", "--benchmark-quiet",
        ]  # fmt: skip

    def places(self, names: Sequence[str] | None) -> list[Path]:
        """Return what pytest is to read: the files of the benchmarks `names`, or all there is for None.

        Where a file's name cannot be written, so that its benchmarks do not lead to it, that is all there is too.
        """
        if names is None:
            return [self.place]
        files = [self.root / file for file in dict.fromkeys(name.partition("::")[0] for name in names)]
        return files if files and all(file.exists() for file in files) else [self.place]

    def check(self) -> None:
        """Raise `UsageError` if there is nothing at its place."""
        if not self.place.exists():
            raise UsageError(
                "There is no suite of micro-benchmarks",
                where=str(self.place),
                remedy='Correct `suite = "…"` of [tool.harness] in pyproject.toml: a folder or a file of '
                "pytest-benchmark tests",
            )
