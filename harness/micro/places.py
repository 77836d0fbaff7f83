"""Find the suite of benchmarks of a project, and the configuration of pytest that it runs under."""

import dataclasses
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from configparser import ConfigParser, Error
from pathlib import Path

from harness.errors import UsageError

USUAL = ("benchmarks", "bench", "tests/benchmarks", "tests/bench", "tests/perf", "perf")
"""Folders searched for benchmarks where the policy names no suite."""
PATTERNS = ("test_*.py", "*_test.py", "bench_*.py", "*_bench.py")
CONFIGS = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
"""Files that may configure pytest, in its own order."""
_ASV = "asv.conf.json"
_ASV_FOLDER = re.compile(r'^(?!\s*//).*"benchmark_dir"\s*:\s*"([^"]+)"', re.MULTILINE)
_BENCHMARK = re.compile(
    rb"\b(codspeed_)?benchmark\b|\bpyperf\b|^\s*def (time|timeraw|mem|peakmem)_\w", re.MULTILINE
)
_NEVER = frozenset({"__pycache__", "node_modules", "build", "dist", "site-packages"})


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """The files and folders of a suite, relative to its project; `root` is the folder that names of benchmarks begin at.

    `config` is the file that configures pytest, if any; `asv` the folder with benchmarks of airspeed velocity, if any.
    """

    found: tuple[str, ...]
    root: str
    config: str | None = None
    asv: str | None = None

    @property
    def prefix(self) -> str:
        """The beginning of the path of each file of the suite, which the names of its benchmarks leave out."""
        return "" if self.root == "." else f"{self.root}/"


def find_places(project: Path, named: str | Sequence[str] | None) -> Places:
    """Return the suite that a policy names, by a path, a glob, or several of them, or else the one in the usual places.

    Raises `UsageError` if there is none.
    """
    words = (named,) if isinstance(named, str) else tuple(named or ())
    asv = _asv(project)
    found = tuple(dict.fromkeys(place for word in words for place in _named(project, word)))
    found = found or tuple(_usual(project, asv))
    tops = [place if (project / place).is_dir() else str(Path(place).parent) for place in found]
    root = os.path.commonpath(tops)
    root = root or "."
    covers_asv = asv is not None and any(_within(place, asv) or _within(asv, place) for place in found)
    return Places(found, root, _config(project, root), asv if covers_asv else None)


def holds_benchmark(file: Path) -> bool:
    """Return False only for a readable file whose text names no benchmark: it holds ordinary tests."""
    try:
        return _BENCHMARK.search(file.read_bytes()) is not None
    except OSError:
        return True


def _within(place: str, folder: str) -> bool:
    return Path(place).is_relative_to(folder)


def _named(project: Path, word: str) -> list[str]:
    if (project / word).exists():
        return [str(Path(word))]
    is_glob = any(character in word for character in "*?[")
    found = sorted(str(path.relative_to(project)) for path in project.glob(word)) if is_glob else []
    if not found:
        raise UsageError(
            f"There is no benchmark suite '{word}'",
            where=str(project),
            remedy='Correct `suite` of [tool.harness] in pyproject.toml: a folder, a file, a glob such as "tests/bench_*.py", '
            "or a list of them",
        )
    return found


def _usual(project: Path, asv: str | None) -> Iterator[str]:
    """Yield the folder with benchmarks in a usual place, or else every file of the tests that names one."""
    folders = [name for name in dict.fromkeys(filter(None, (*USUAL, asv))) if (project / name).is_dir()]
    full = [name for name in folders if any(map(holds_benchmark, _files(project / name, is_all=True)))]
    if full:
        yield full[0]
        return
    files = [str(file.relative_to(project)) for file in _files(project) if holds_benchmark(file)]
    if files or folders:
        yield from files or folders[:1]
        return
    raise UsageError(
        "This project has no benchmark suite in the usual folders, and no test with the fixture or the mark 'benchmark'",
        where=str(project),
        remedy='Name its folder in pyproject.toml: [tool.harness] suite = "benchmarks"',
    )


def _files(folder: Path, *, is_all: bool = False) -> Iterator[Path]:
    """Yield the test files below a folder, or all of its Python files, without those of environments and hidden folders."""
    for place, names, files in os.walk(folder):
        names[:] = sorted(
            name
            for name in names
            if name not in _NEVER and name[0] != "." and not Path(place, name, "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            file = Path(place, name)
            if name.endswith(".py") and (is_all or any(file.match(pattern) for pattern in PATTERNS)):
                yield file


def _asv(project: Path) -> str | None:
    """Return the folder of the benchmarks of airspeed velocity; its file is JSON with comments."""
    try:
        text = (project / _ASV).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    named = _ASV_FOLDER.search(text)
    folder = str(Path(named[1] if named else "benchmarks"))
    return folder if (project / folder).is_dir() else None


def _config(project: Path, root: str) -> str | None:
    """Return the file that plain pytest would take its configuration from: the nearest one in or above `root`."""
    for folder in (Path(root), *Path(root).parents):
        for name in CONFIGS:
            if _configures(project / folder / name):
                return str(folder / name)
    return None


def _configures(file: Path) -> bool:
    """Return True for a file with a configuration of pytest. One that cannot be read is left to pytest's own complaint."""
    if not file.is_file():
        return False
    if file.stem in {"pytest", ".pytest"}:
        return True
    try:
        if file.suffix == ".toml":
            return "pytest" in tomllib.loads(file.read_text("utf-8")).get("tool", {})
        parser = ConfigParser(interpolation=None, strict=False)
        parser.read_string(file.read_text("utf-8"))
    except (OSError, ValueError, AttributeError, Error):
        return False
    return parser.has_section("tool:pytest" if file.suffix == ".cfg" else "pytest")
