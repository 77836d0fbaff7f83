"""Options and environment for running benchmarks with pytest, the same in every process that does.

A project's or machine's settings for pytest (configuration, plugins, rewritten assertions) would be measured too.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path


def options(ini: Path, root: Path, plugins: Iterable[str] = ()) -> list[str]:
    """Return pytest's options: `ini` in place of the project's configuration, names from `root` on, only these plugins."""
    return [
        "-c", str(ini), f"--rootdir={root}", "--import-mode=importlib", "--assert=plain", "-p", "no:cacheprovider",
        *(word for name in plugins for word in ("-p", name)),
    ]  # fmt: skip


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without variables that change pytest, and without plugins other than those of the options.

    pytest-benchmark measures nothing where a variable marks the process as a worker of pytest-xdist.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith("PYTEST_")}
    return kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def outermost_package(folder: Path) -> Path:
    """Return the outermost package around a folder, or the folder itself where it is in none."""
    while (folder / "__init__.py").is_file() and (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    return folder


def import_folder(suite: Path) -> Path:
    """Return the folder that plain pytest would put on the import path for the suite's files."""
    package = outermost_package(suite if suite.is_dir() else suite.parent)
    return package.parent if (package / "__init__.py").is_file() else package
