"""`harness doctor`: check what this machine can measure, with a remedy for each problem."""

import argparse
import dataclasses

from harness import environment
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.work.checks import CHECKS, Finding


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declare no options."""


def run(_args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command. The exit code is 0 also for a machine with problems: the findings are the answer."""
    findings = []
    for check in CHECKS:
        finding = check()
        findings.append(finding)
        if not talk.as_json:
            _print(finding, talk)
    if talk.as_json:
        talk.document(
            {"schema": 1, "findings": [dataclasses.asdict(finding) for finding in findings],
             "environment": environment.collect()}
        )  # fmt: skip
    else:
        talk.answer("")
        talk.answer("Next: harness run steady --target known:lognormal")
    return ExitCode.OK


def _print(finding: Finding, talk: Talk) -> None:
    talk.answer(f"{'ok     ' if finding.ok else 'PROBLEM'} {finding.name}: {finding.sentence}")
    if finding.remedy and not finding.ok:
        talk.answer(f"        {finding.remedy}")
