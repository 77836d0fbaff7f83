"""The project that a calibration measures: twenty benchmarks, and a package of which the candidate's may be slower."""

from pathlib import Path

from harness.calibrate import workloads
from harness.policy import Policy

PACKAGE = "calibrated"
POLICY = Policy(source_roots=(PACKAGE,), suite="benchmarks")
_SUITE = "benchmarks/test_work.py"
_IMPORT_LINE = f"import {PACKAGE}  # noqa: F401\n\n"
_SLOW_IMPORT = '"""Takes a while to import."""\n\nfor _ in range({loops}):\n    pass\n'


def write_project(folder: Path, import_loops: int = 0) -> Path:
    """Write the project into a new folder; importing its package does `import_loops` turns of an empty loop."""
    suite = folder / _SUITE
    suite.parent.mkdir(parents=True)
    suite.write_text(with_import(Path(workloads.__file__).read_text("utf-8")), "utf-8")
    package = folder / PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text(_SLOW_IMPORT.format(loops=import_loops), "utf-8")
    return folder


def with_import(source: str) -> str:
    """Return the benchmarks' file with one more import: of the package that is measured."""
    head, marker, rest = source.partition("import pytest\n")
    return f"{head}{marker}{_IMPORT_LINE}{rest}"
