"""The same work judged by pytest-benchmark's own comparison: what the gate has to beat.

Two runs one after the other, as a CI job does it, the second held against the first by `--benchmark-compare-fail`.
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
from harness.supervise.ending import ending

RULES = ("mean:5%", "min:5%")
_SUITE = Path(workloads.__file__)
_FAILED = re.compile(
    r"^\s*test_work\[(?P<name>\w+)\].* - Field '(?P<field>\w+)' has failed PercentageRegressionCheck"
)
_LONGEST_S = 600.0


@dataclasses.dataclass(frozen=True, slots=True)
class Beside:
    """What pytest-benchmark called a regression, by rule, of how many benchmarks."""

    benchmarks: int
    flagged: Mapping[str, tuple[str, ...]]


def run_beside(folder: Path, names: Sequence[str], spins: Mapping[str, int]) -> Beside:
    """Run the suite twice with pytest-benchmark, the second time with `spins` more loops in each call, and judge.

    Raises `HarnessError` if either run fails for another reason than a regression.
    """
    _run(folder, names, dict.fromkeys(spins, 0), ["--benchmark-save=base"], {0})
    # The option takes all rules at once; given twice, its last rule alone would count.
    rules = ["--benchmark-compare-fail", *RULES, "--benchmark-compare=0001"]
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
        sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:locust", "-p", "no:cacheprovider", "-c", os.devnull,
        "--rootdir", str(_SUITE.parent), f"--benchmark-storage=file://{folder}", *options,
        *(f"{_SUITE}::test_work[{name}]" for name in names),
    ]  # fmt: skip
    environment = {**os.environ, "CALIBRATION_SPINS": json.dumps(dict(spins))}
    done = subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False
    )
    regressed = done.returncode == 1 and "Performance has regressed" in done.stdout + done.stderr
    if done.returncode not in expected or (done.returncode == 1 and not regressed):
        raise HarnessError(
            f"pytest-benchmark {ending(done.returncode)}: {(done.stderr or done.stdout)[-400:].strip()}",
            where=str(_SUITE),
            remedy="Run the file with pytest to see why",
        )
    return done.stdout + done.stderr
