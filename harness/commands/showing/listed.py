"""Show the answer of `--dry-run`."""

import argparse

from harness.console.console import Talk
from harness.errors import ExitCode
from harness.units import format_duration
from harness.work.listed import Listed


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """Declare `--dry-run`."""
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="measure nothing: list the benchmarks, those left out and why, and the time that they would take",
    )


def present(found: Listed, talk: Talk) -> ExitCode:
    """Print the list, or the JSON document."""
    if talk.as_json:
        talk.document(
            {
                "schema": 1,
                "benchmarks": list(found.benchmarks),
                "aside": dict(found.aside),
                "notes": list(found.notes),
                "seconds": [round(found.least_s, 1), round(found.most_s, 1)],
            }
        )
        return ExitCode.OK
    for name in found.benchmarks:
        talk.answer(name)
    for name, why in found.aside.items():
        talk.answer(f"not compared: {name} ({why})" if "::" in name else f"left out: {name} ({why})")
    for note in found.notes:
        talk.answer(f"note: {note}")
    times = [format_duration(max(1, round(seconds))) for seconds in (found.least_s, found.most_s)]
    took = " to ".join(dict.fromkeys(times))
    talk.answer(f"{len(found.benchmarks)} benchmarks, about {took}. Nothing was measured (--dry-run).")
    return ExitCode.OK
