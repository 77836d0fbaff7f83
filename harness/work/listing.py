"""The work of `harness list`: everything that can be run, in the order of the catalogues."""

from pathlib import Path

from harness.errors import UsageError
from harness.judge.policy_file import read
from harness.micro.outline import outline
from harness.model import Arrivals, Executor, Scenario
from harness.units import format_duration, format_rate
from harness.work.suites import find_suite
from scenarios.catalogue import SCENARIOS
from targets.registry import TARGETS, Entry


def scenarios() -> list[Scenario]:
    """Return the scenarios of the catalogue."""
    return list(SCENARIOS.values())


def targets() -> list[tuple[str, Entry]]:
    """Return name and entry of the targets of the registry."""
    return list(TARGETS.items())


def benchmarks() -> list[tuple[str, str]]:
    """Return name and summary of the micro-benchmarks of the current folder's suite; none where it has no suite."""
    folder = Path.cwd()
    policy = read(folder)
    try:
        return outline(find_suite(folder, policy))
    except UsageError:
        return []


def pace(scenario: Scenario) -> str:
    """Return the default rate and duration of a scenario."""
    if scenario.arrivals is Arrivals.REPLAY:
        return "as recorded"
    if scenario.executor is Executor.CLOSED:
        rate = "as many users as it takes" if scenario.find_users else f"{scenario.users} users"
    else:
        rate = "probed rate" if scenario.rate_per_s is None else format_rate(scenario.rate_per_s)
    return f"{rate}, {format_duration(scenario.duration_s)}"
