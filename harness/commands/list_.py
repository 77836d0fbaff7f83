"""`harness list`: what there is to run."""

import argparse

from rich.console import Console
from rich.table import Table

from harness.commands.console import Talk
from harness.errors import ExitCode
from harness.model import Executor, Scenario
from harness.units import format_duration, format_rate
from scenarios.catalogue import SCENARIOS
from targets.registry import TARGETS

NAME = "list"
HELP = "show scenarios, targets and variants"


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
            }
        )
        return ExitCode.OK
    console = Console(highlight=False)
    scenarios = [(scenario.name, scenario.summary, pace(scenario)) for scenario in SCENARIOS.values()]
    targets = [(name, entry.summary, ", ".join(entry.variants)) for name, entry in TARGETS.items()]
    _print(console, "Scenarios", scenarios)
    _print(console, "Targets (and variants)", targets)
    console.print("Next: harness run steady --target known:lognormal", markup=False)
    return ExitCode.OK


def pace(scenario: Scenario) -> str:
    """Return how fast and how long a scenario is, unless told otherwise."""
    if scenario.executor is Executor.CLOSED:
        rate = f"{scenario.users} users"
    else:
        rate = "probed rate" if scenario.rate_per_s is None else format_rate(scenario.rate_per_s)
    return f"{rate}, {format_duration(scenario.duration_s)}"


def _print(console: Console, title: str, rows: list[tuple[str, str, str]]) -> None:
    table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()
