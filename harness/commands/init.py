"""`harness init`: find what can be measured in this folder, and write the settings and requests to start from."""

import argparse
import importlib.util
from pathlib import Path

from harness.console.console import Talk
from harness.errors import ExitCode
from harness.work.start.proposal import Proposal, propose
from harness.work.start.requests import EVENTS, REQUESTS
from harness.work.start.settings import POLICY, Written, write

EPILOG = (
    "Looks at the files of the current folder and executes none of them. Appends [tool.harness] to pyproject.toml and writes "
    "requests.jsonl; never changes what exists. Exit codes: 0 found something, 2 found nothing to measure."
)
_MOST_NAMED = 3
_ADD = 'add a line for each, such as {"method": "POST", "path": "/…", "json": {}}'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare no options."""
    parser.epilog = EPILOG


def run(_args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    project = Path.cwd()
    proposal = propose(project)
    written = write(project, proposal)
    # Settings that exist may name another target.
    commands = _next(proposal, f" --target '{proposal.spec}'" if written.table else "")
    for line in [
        *_found(proposal),
        *_told(proposal, written),
        "Next:",
        *(f"  {command}" for command in commands),
    ]:
        talk.answer(line)
    if talk.as_json:
        talk.document(
            {
                "schema": 1,
                "target": proposal.spec or None,
                "others": list(proposal.others),
                "source_roots": list(proposal.source_roots),
                "suite": proposal.suite or None,
                "locustfile": proposal.locustfile or None,
                "left_out": list(proposal.left_out),
                "written": list(written.files),
                "kept": list(written.kept),
                "next": commands,
            }
        )
    return ExitCode.OK


def _found(proposal: Proposal) -> list[str]:
    also = f"; also {_some(proposal.others)}" if proposal.others else ""
    lines = [f"Found a {proposal.what}: {proposal.target}{also}"] if proposal.target else []
    beside = [f"micro-benchmarks in {proposal.suite}"] if proposal.suite else []
    if proposal.locustfile:
        beside.append(
            f"{proposal.locustfile}, which 'harness locust' runs as it is and whose requests can become lines of {REQUESTS}"
        )
    return [*lines, *([f"Found {', and '.join(beside)}"] if beside else [])]


def _told(proposal: Proposal, written: Written) -> list[str]:
    lines = []
    done = [f"wrote {_some(written.files)}"] if written.files else []
    done += [f"kept {_some(written.kept)} as it is"] if written.kept else []
    if done:
        sentence = "; ".join(done)
        lines.append(sentence[0].upper() + sentence[1:])
    if proposal.needs_events:
        lines.append(
            f"{proposal.requests}/ has no event, and the handler needs at least one: save one there as *.json first, such as "
            "'sam local generate-event' prints it"
        )
    if any(name in written.files for name in proposal.new_files):
        noun = "event" if proposal.requests == EVENTS else "request"
        lines.append(
            f"{proposal.requests} has {_count(proposal.count, noun)}. Each id in a path is 1: write ids that exist"
        )
        if left_out := _left_out(proposal):
            lines.append(left_out)
    if written.table:
        lines.append(f"{POLICY} has a [tool.harness] already. These would be its settings:")
        lines += [f"  {line}" for line in written.table.splitlines() if line[0] not in "#["]
    if proposal.package and importlib.util.find_spec(proposal.package) is None:
        lines.append(
            f"{proposal.package} is not installed beside the harness: install the harness into the environment of the application"
        )
    return lines


def _left_out(proposal: Proposal) -> str:
    parts = []
    if proposal.unreadable:
        parts.append(f"{_count(proposal.unreadable, 'route')} with a path that the code computes")
    if proposal.left_out:
        how = (
            "add an event for each" if proposal.requests == EVENTS else f"JSON Lines has no comments: {_ADD}"
        )
        changing = (
            f"{_count(len(proposal.left_out), 'route')} that may change data ({_some(proposal.left_out)})"
        )
        parts.append(f"{changing}; {how}")
    return f"Left out {' and '.join(parts)}" if parts else ""


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _next(proposal: Proposal, target: str) -> list[str]:
    commands = []
    if proposal.target:
        commands += [
            f"harness run closed{target} --users 4 --duration 10s",
            f"harness profile closed{target}",
        ]
    return [*commands, *(["harness bench"] if proposal.suite else [])]
