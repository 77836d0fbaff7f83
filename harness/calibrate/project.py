"""Write the project of a calibration: a package of workloads, of which each trial changes the candidate's, and their benchmarks.

The benchmarks of a session are the candidate's on both sides; only the package comes from each side's own folder.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

from harness.calibrate import parallel, workloads
from harness.calibrate.effects import Code, Trial
from harness.calibrate.other_code import rewritten
from harness.policy.policy import Policy

PACKAGE = "calibrated"
POLICY = Policy(source_roots=(PACKAGE,), suite="benchmarks")
_SUITE = "benchmarks/test_work.py"
_TESTS = '''"""The benchmarks of a calibration."""

import pytest

from calibrated.{module} import WORK


@pytest.mark.parametrize("name", {names!r})
def test_work(benchmark, name):
    assert benchmark(WORK[name]) is not None
'''
# In a function: a loop at the top of a module keeps its variable in a dictionary, which takes longer for each turn.
_SLOW_IMPORT = '''"""Takes a while to import."""

import itertools


def _spin(loops):
    for _ in itertools.repeat(None, loops):
        pass


_spin({loops})
'''
_THREAD = '''"""Keeps a thread that burns a fifth of a core."""

import threading
import time


def _burn():
    while True:
        end_s = time.thread_time() + 0.01
        while time.thread_time() < end_s:
            pass
        time.sleep(0.04)


threading.Thread(target=_burn, daemon=True).start()
'''
_AT_ONCE = "_POOL.map("
_IN_TURN = "map("


def benchmark_name(work: str) -> str:
    """Return the name of one workload's benchmark in a session."""
    return f"{Path(_SUITE).name}::test_work[{work}]"


def write_project(folder: Path, trial: Trial, code: Code = Code.SAME, import_loops: int = 0) -> Path:
    """Write one side of a trial into a new folder, with `code`; importing its package runs `import_loops` turns of an empty loop."""
    module = _module(trial)
    name = module.__name__.rpartition(".")[2]
    change = _CHANGES.get(code, str)
    is_threaded = code is Code.BACKGROUND_THREAD
    files = {
        _SUITE: _TESTS.format(module=name, names=list(trial.works)),
        f"{PACKAGE}/__init__.py": _THREAD if is_threaded else _SLOW_IMPORT.format(loops=import_loops),
        f"{PACKAGE}/{name}.py": change(Path(str(module.__file__)).read_text("utf-8")),
    }
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text, "utf-8")
    return folder


def _module(trial: Trial) -> ModuleType:
    """Return the module that holds the trial's workloads."""
    return parallel if trial.code is Code.SERIALISED else workloads


def _serialised(source: str) -> str:
    return source.replace(_AT_ONCE, _IN_TURN)


_CHANGES: Mapping[Code, Callable[[str], str]] = {Code.OTHER: rewritten, Code.SERIALISED: _serialised}
