"""Runs the tests in two phases: side by side what does not measure, then alone what does.

`python -m tests.running.phases [ARGUMENTS OF PYTEST]`; `make test` is this. Both phases always run, and the exit code is
red if one of them is. What measures is judged as the gate judges: a red is confirmed on fresh data, so what fails there,
and only there, runs once more. Each second try is counted and named, for a test that needs them is a test to mend.
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PASSED, FAILED, INTERRUPTED, NO_TESTS = 0, 1, 2, 5
SIDE_BY_SIDE, ALONE = "not measures and not proof", "measures and not proof"

NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"

Pytest = Callable[[Sequence[str]], int]
"""Arguments of pytest to its exit code."""


@dataclasses.dataclass(frozen=True)
class Phase:
    """What a phase came to: the last exit code of pytest, and the tests that ran twice."""

    name: str
    code: int
    seconds: float
    second_tries: tuple[str, ...] = ()

    def __str__(self) -> str:
        ended = {PASSED: "passed", NO_TESTS: "has no tests here"}.get(self.code, "FAILED")
        return f"{self.name}: {ended} ({self.seconds:.0f} s)"


def run(pytest: Pytest, arguments: Sequence[str]) -> tuple[Phase, Phase]:
    """Run both phases."""
    return _timed("side by side", _side_by_side, pytest, arguments), _timed(
        "alone", _alone, pytest, arguments
    )


def _timed(name: str, phase: Callable[..., tuple[int, tuple[str, ...]]], *arguments: object) -> Phase:
    begun_s = time.monotonic()
    code, second_tries = phase(*arguments)
    return Phase(name, code, time.monotonic() - begun_s, second_tries)


def _side_by_side(pytest: Pytest, arguments: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    # One more than there are cores: tests wait for processes. A file is one worker's: its tests share their runs and servers.
    return pytest(
        [
            "-n",
            str(1 + max(2, len(os.sched_getaffinity(0)))),
            "--dist",
            "loadfile",
            # The order is that of the collection: see tests/conftest.py.
            "--no-loadscope-reorder",
            "-m",
            SIDE_BY_SIDE,
            *arguments,
        ]
    ), ()


def _alone(pytest: Pytest, arguments: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    # A memory of its own: what failed in the other phase, or yesterday, is not tried again here.
    with tempfile.TemporaryDirectory() as cache:
        alone = ["-m", ALONE, "-o", f"cache_dir={cache}", *arguments]
        code = pytest(alone)
        memory = Path(cache) / "v" / "cache" / "lastfailed"
        # Anything else than failed tests, such as a file that cannot be imported, is no matter of measuring.
        if code != FAILED or not memory.exists():
            return code, ()
        failed = tuple(json.loads(memory.read_text("utf-8")))
        print(f"Once more, what failed: {', '.join(failed)}", flush=True)
        return pytest([*alone, "--last-failed"]), failed


def verdict(phases: Sequence[Phase]) -> int:
    """Return the exit code of all phases; one without tests counts only if every one is."""
    return max((phase.code for phase in phases if phase.code != NO_TESTS), default=NO_TESTS)


def report(phases: Sequence[Phase]) -> str:
    """Say how each phase ended, and which tests ran twice."""
    twice = [name for phase in phases for name in phase.second_tries]
    names = f" ({', '.join(twice)})" if twice else ""
    return "\n".join([*map(str, phases), f"second tries: {len(twice)}{names}"])


def pytest_process(arguments: Sequence[str]) -> int:
    """Run pytest in a process of its own; on Ctrl-C, which it hears too, wait until it has ended its servers.

    It keeps bytecode whatever the environment says: the tests start a thousand interpreters, each of which, and each worker
    of pytest, would compile all its modules again.
    """
    environment = {name: value for name, value in os.environ.items() if name != NO_BYTECODE}
    process = subprocess.Popen([sys.executable, "-m", "pytest", *arguments], env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise


def main(arguments: Sequence[str]) -> int:
    """Run the phases, say how they ended, return the exit code."""
    try:
        phases = run(pytest_process, arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    print(report(phases), flush=True)
    return verdict(phases)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
