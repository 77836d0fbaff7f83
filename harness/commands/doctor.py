"""`harness doctor`: check what this machine can measure, with a remedy for each problem."""

import argparse
import contextlib
import dataclasses
from collections.abc import Generator

from harness import environment
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError
from harness.work.checks import CHECKS, Finding
from harness.work.verifying import KINDS, store_findings

EPILOG = (
    "--backends checks stores instead of the machine: external ones are found by the variables that 'harness run --backends external' "
    "uses. --verify also runs the contract of the core on them, in a DynamoDB table, a graph database and Redis keys of its own, which it "
    "makes and removes; the exit code is 3 if a store breaks it. A Neo4j without room for a second database must be empty."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument(
        "--backends", choices=KINDS, help="check stores: servers that the harness starts, or yours"
    )
    parser.add_argument(
        "--verify", action="store_true", help="verify that the stores do what the core relies on"
    )


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command. The exit code is 0 also for a machine with problems: the findings are the answer."""
    if args.verify and not args.backends:
        raise UsageError(
            "--verify applies to stores", remedy="Add --backends external, or --backends embedded"
        )
    findings: list[Finding] = []
    with contextlib.closing(_found(args, talk)) as found:
        for finding in found:
            findings.append(finding)
            if not talk.as_json:
                _print(finding, talk)
    if talk.as_json:
        talk.document(
            {"schema": 1, "findings": [dataclasses.asdict(finding) for finding in findings],
             "environment": environment.collect()}
        )  # fmt: skip
    elif not args.backends:
        talk.answer("")
        talk.answer("Next: harness run steady --target known:lognormal")
    broken = args.verify and not all(finding.ok for finding in findings)
    return ExitCode.LIMIT_BROKEN if broken else ExitCode.OK


def _found(args: argparse.Namespace, talk: Talk) -> Generator[Finding, None, None]:
    if args.backends:
        yield from store_findings(args.backends, talk, verify=args.verify)
    else:
        yield from (check() for check in CHECKS)


def _print(finding: Finding, talk: Talk) -> None:
    talk.answer(f"{'ok     ' if finding.ok else 'PROBLEM'} {finding.name}: {finding.sentence}")
    if finding.remedy and not finding.ok:
        talk.answer(f"        {finding.remedy}")
