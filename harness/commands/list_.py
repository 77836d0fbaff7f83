"""`harness list`: show scenarios, targets, variants and micro-benchmarks."""

import argparse
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.console.console import Talk
from harness.errors import ExitCode
from harness.redaction.visible import visible
from harness.target.spec import FORMS
from harness.work.listing import benchmarks, pace, scenarios, targets


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declare no options."""


def run(_args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    if talk.as_json:
        talk.document(
            {
                "schema": 1,
                "scenarios": [
                    {"name": scenario.name, "summary": scenario.summary, "pace": pace(scenario)}
                    for scenario in scenarios()
                ],
                "targets": [
                    {"name": name, "summary": entry.summary, "variants": list(entry.variants)}
                    for name, entry in targets()
                ],
                "forms": [{"spec": spec, "summary": summary} for spec, summary in FORMS],
                "benchmarks": [{"name": name, "summary": summary} for name, summary in benchmarks()],
            }
        )
        return ExitCode.OK
    console = Console(file=talk.people, highlight=False, markup=False, emoji=False)
    paced = [(scenario.name, scenario.summary, pace(scenario)) for scenario in scenarios()]
    offered = [(name, entry.summary, ", ".join(entry.variants)) for name, entry in targets()]
    _print(console, "Scenarios", paced)
    _print(console, "Targets (and variants)", offered)
    _print(console, "Targets of your own (PLACE is package.module:name or path/file.py:name)", FORMS)
    _print_benchmarks(console, benchmarks())
    console.print("Next: harness run steady --target known:lognormal")
    return ExitCode.OK


def _print(console: Console, title: str, rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def _print_benchmarks(console: Console, rows: list[tuple[str, str]]) -> None:
    """Print one line each. The summary is cut rather than the name: people copy the name."""
    console.print("Micro-benchmarks", style="table.title")
    width = max((len(name) for name, _ in rows), default=0)
    for name, summary in rows:
        line = Text(visible(f"{name:<{width}}  {summary}"))
        if console.is_terminal:
            line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)
    console.print()
