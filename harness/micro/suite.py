"""Locate a suite of micro-benchmarks, and build pytest's options for it: the same for every caller."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.micro import pytest_options

VARIANT_VARIABLE = "ASSET_CORE_VARIANT"
"""Environment variable with the variant that benchmarks measure."""


@dataclasses.dataclass(frozen=True, slots=True)
class Suite:
    """A folder or file of pytest-benchmark tests.

    `path` is put first on the import path: the folders with the measured code. `plugins` are the only pytest
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
        # conftest files above the outermost package do not count.
        top = pytest_options.outermost_package(self.root)
        return [
            *pytest_options.options(empty_ini, self.root, ("pytest_benchmark.plugin", *self.plugins)),
            f"--confcutdir={top}", "--benchmark-enable", "--benchmark-quiet",
        ]  # fmt: skip

    def places(self, names: Sequence[str] | None) -> list[Path]:
        """Return the files of the benchmarks `names` for pytest, or the whole suite for None.

        Returns the whole suite too where a file's name is not encodable, so that its benchmarks do not lead to it.
        """
        if names is None:
            return [self.place]
        files = [self.root / file for file in dict.fromkeys(name.partition("::")[0] for name in names)]
        return files if files and all(file.exists() for file in files) else [self.place]

    def check(self) -> None:
        """Raise `UsageError` if the suite does not exist."""
        if not self.place.exists():
            raise UsageError(
                "The suite of micro-benchmarks does not exist",
                where=str(self.place),
                remedy='Correct `suite = "…"` of [tool.harness] in pyproject.toml: a folder or a file of '
                "pytest-benchmark tests",
            )
