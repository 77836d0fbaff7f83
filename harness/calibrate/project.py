"""Write the project of a calibration: twenty benchmarks, and a package whose import may be slower on the candidate."""

from pathlib import Path

from harness.calibrate import workloads
from harness.policy.policy import Policy

PACKAGE = "calibrated"
POLICY = Policy(source_roots=(PACKAGE,), suite="benchmarks")
_SUITE = "benchmarks/test_work.py"
_IMPORT_LINE = f"\n\nimport {PACKAGE}  # noqa: E402, F401\n"
# In a function: a loop at the top of a module keeps its variable in a dictionary, which takes longer for each turn.
_SLOW_IMPORT = '''"""Takes a while to import."""

import itertools


def _spin(loops):
    for _ in itertools.repeat(None, loops):
        pass


_spin({loops})
'''


def benchmark_name(work: str) -> str:
    """Return the name of one workload's benchmark in a session."""
    return f"{Path(_SUITE).name}::test_work[{work}]"


def write_project(folder: Path, import_loops: int = 0) -> Path:
    """Write the project into a new folder; importing its package runs `import_loops` turns of an empty loop."""
    suite = folder / _SUITE
    suite.parent.mkdir(parents=True)
    suite.write_text(Path(workloads.__file__).read_text("utf-8") + _IMPORT_LINE, "utf-8")
    package = folder / PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text(_SLOW_IMPORT.format(loops=import_loops), "utf-8")
    return folder
