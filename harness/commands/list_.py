"""`harness list`: what there is to run."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.console.console import Talk
from harness.errors import ExitCode, UsageError
from harness.judge.policy_file import read
from harness.micro.outline import outline
from harness.model import Arrivals, Executor, Scenario
from harness.redaction.visible import visible
from harness.units import format_duration, format_rate
from harness.work.suites import find_suite
from scenarios.catalogue import SCENARIOS
from targets.registry import TARGETS


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(_args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    if talk.as_json:
        talk.document(
            {
                "schema": 1,
                "scenarios": [
                    {"name": scenario.name, "summary": scenario.summary, "pace": pace(scenario)}
                    for scenario in SCENARIOS.values()
                ],
                "targets": [
                    {"name": name, "summary": entry.summary, "variants": list(entry.variants)}
                    for name, entry in TARGETS.items()
                ],
                "benchmarks": [{"name": name, "summary": summary} for name, summary in benchmarks()],
            }
        )
        return ExitCode.OK
    console = Console(file=talk.people, highlight=False, markup=False, emoji=False)
    scenarios = [(scenario.name, scenario.summary, pace(scenario)) for scenario in SCENARIOS.values()]
    targets = [(name, entry.summary, ", ".join(entry.variants)) for name, entry in TARGETS.items()]
    _print(console, "Scenarios", scenarios)
    _print(console, "Targets (and variants)", targets)
    _print_benchmarks(console, benchmarks())
    console.print("Next: harness run steady --target known:lognormal")
    return ExitCode.OK


def benchmarks() -> list[tuple[str, str]]:
    """Return name and summary of the micro-benchmarks of the current folder's suite; none where it has no suite."""
    folder = Path.cwd()
    policy = read(folder)
    try:
        return outline(find_suite(folder, policy))
    except UsageError:
        return []


def pace(scenario: Scenario) -> str:
    """Return how fast and how long a scenario is, unless told otherwise."""
    if scenario.arrivals is Arrivals.REPLAY:
        return "as recorded"
    if scenario.executor is Executor.CLOSED:
        rate = "as many users as it takes" if scenario.find_users else f"{scenario.users} users"
    else:
        rate = "probed rate" if scenario.rate_per_s is None else format_rate(scenario.rate_per_s)
    return f"{rate}, {format_duration(scenario.duration_s)}"


def _print(console: Console, title: str, rows: list[tuple[str, str, str]]) -> None:
    table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def _print_benchmarks(console: Console, rows: list[tuple[str, str]]) -> None:
    """Print one line each: a name is typed again, so the summary gives way to it."""
    console.print("Micro-benchmarks", style="table.title")
    width = max((len(name) for name, _ in rows), default=0)
    for name, summary in rows:
        line = Text(visible(f"{name:<{width}}  {summary}"))
        if console.is_terminal:
            line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)
    console.print()
