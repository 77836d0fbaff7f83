"""Judge the same work by pytest-benchmark's own comparison, as a reference for the gate.

It makes two runs one after the other, as a CI job does, and compares the second with the first by `--benchmark-compare-fail`.
"""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.calibrate import workloads
from harness.errors import HarnessError
from harness.micro import pytest_options
from harness.supervise.ending import ending

RULES = ("mean:5%", "min:5%")
_SUITE = Path(workloads.__file__)
_FAILED = re.compile(
    r"^\s*test_work\[(?P<name>\w+)\].* - Field '(?P<field>\w+)' has failed PercentageRegressionCheck"
)
_LONGEST_S = 600.0


@dataclasses.dataclass(frozen=True, slots=True)
class Beside:
    """The regressions that pytest-benchmark flagged, by rule, and the number of benchmarks."""

    benchmarks: int
    flagged: Mapping[str, tuple[str, ...]]


def run_beside(
    folder: Path, names: Sequence[str], spins: Mapping[str, int], *, max_time_s: float = 1.0
) -> Beside:
    """Run the suite twice with pytest-benchmark, the second time with `spins` more loops in each call, and judge.

    `max_time_s` is the time that pytest-benchmark gives a benchmark; the default is its own.

    Raises `HarnessError` if either run fails for another reason than a regression.
    """
    longest = f"--benchmark-max-time={max_time_s}"
    _run(folder, names, dict.fromkeys(spins, 0), [longest, "--benchmark-save=base"], {0})
    # The option takes all rules at once; given twice, its last rule alone would count.
    rules = [longest, "--benchmark-compare-fail", *RULES, "--benchmark-compare=0001"]
    output = _run(folder, names, spins, rules, {0, 1})
    return Beside(len(names), flagged(output))


def flagged(output: str) -> dict[str, tuple[str, ...]]:
    """Return the benchmarks that pytest-benchmark names in its output, by rule."""
    found = [match.groupdict() for line in output.splitlines() if (match := _FAILED.match(line))]
    return {
        rule: tuple(entry["name"] for entry in found if rule.startswith(f"{entry['field']}:"))
        for rule in RULES
    }


def _run(
    folder: Path, names: Sequence[str], spins: Mapping[str, int], options: Sequence[str], expected: set[int]
) -> str:
    argv = [
        sys.executable, "-P", "-m", "pytest", "-q", *pytest_options.isolated(Path(os.devnull), _SUITE.parent, ["pytest_benchmark.plugin"]),
        f"--benchmark-storage=file://{folder}", *options,
        *(f"{_SUITE}::test_work[{name}]" for name in names),
    ]  # fmt: skip
    environment = pytest_options.alone(os.environ) | {"CALIBRATION_SPINS": json.dumps(dict(spins))}
    done = subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False
    )
    regressed = done.returncode == 1 and "Performance has regressed" in done.stdout + done.stderr
    if done.returncode not in expected or (done.returncode == 1 and not regressed):
        raise HarnessError(
            f"pytest-benchmark {ending(done.returncode)}: {(done.stderr or done.stdout)[-400:].strip()}",
            where=str(_SUITE),
            remedy="Run the file with pytest for details",
        )
    return done.stdout + done.stderr
