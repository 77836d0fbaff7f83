"""Options and environment for running benchmarks with pytest, the same in every process that does.

A suite runs under the project's own configuration, conftest files and plugins, as plain pytest would run it. `KEPT_OUT` names
the only plugins that are left out; `collection.py` carries out the rest.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

KEPT_OUT = (
    # They hand the tests to other processes, or choose among them: a slot runs the benchmarks that it is asked for.
    "xdist", "xdist.looponfail", "pytest_forked", "isolate", "parallel", "run-parallel", "pytest-split", "pytest-shard",
    "picked", "testmon", "randomly", "random_order", "reverse",
    # They run a test again or end it early.
    "rerunfailures", "flaky", "pytest-retry", "repeat", "timeout",
    # They watch the code while it runs, which costs time in it, or bring a `benchmark` fixture of their own.
    "pytest_cov", "memray", "profiling", "monitor", "typeguard", "ddtrace", "codspeed", "speed", "pytest_benchmark_mem",
    # They patch the process as they are imported, or cost a slot half of its start and serve no benchmark.
    "locust", "schemathesis", "hypothesispytest",
)  # fmt: skip
"""Plugins, by the name of their entry point, that are never loaded with a suite. Their options in the project's `addopts`
have no effect."""
_IGNORED = ("pytest.PytestConfigWarning", "pytest.PytestUnknownMarkWarning")
"""Warnings about settings and marks of plugins that are kept out, which a project may have turned into errors."""


def options(config: Path, root: Path, plugins: Iterable[str] = ()) -> list[str]:
    """Return pytest's options for a suite under the configuration file `config`; names start at `root`."""
    return [
        *_common(config, root, plugins),
        *(word for name in KEPT_OUT for word in ("-p", f"no:{name}")),
        *(word for name in _IGNORED for word in ("-W", f"ignore::{name}")),
        "-o", "required_plugins=", "-o", "strict_config=false", "-o", "strict_markers=false",
    ]  # fmt: skip


def isolated(config: Path, root: Path, plugins: Iterable[str] = ()) -> list[str]:
    """Return pytest's options for a suite of our own: no plugin is loaded but these, given `alone(environment)`."""
    return [*_common(config, root, plugins), "--import-mode=importlib"]


def _common(config: Path, root: Path, plugins: Iterable[str]) -> list[str]:
    return [
        "-c", str(config), f"--rootdir={root}", "--assert=plain", "-p", "no:cacheprovider",
        *(word for name in plugins for word in ("-p", name)),
    ]  # fmt: skip


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without variables that change pytest.

    pytest-benchmark measures nothing where a variable marks the process as a worker of pytest-xdist.
    """
    return {name: value for name, value in environ.items() if not name.startswith("PYTEST_")}


def alone(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` for pytest without any plugin but those of its options."""
    return environment(environ) | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def outermost_package(folder: Path) -> Path:
    """Return the outermost package around a folder, or the folder itself where it is in none."""
    while (folder / "__init__.py").is_file() and (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    return folder


def import_folder(suite: Path) -> Path:
    """Return the folder that plain pytest would put on the import path for the suite's files."""
    package = outermost_package(suite if suite.is_dir() else suite.parent)
    return package.parent if (package / "__init__.py").is_file() else package
