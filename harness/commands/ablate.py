"""`harness ablate`: measure what each optimisation of a target is worth on this machine."""

import argparse
import dataclasses
from pathlib import Path

from harness.commands.options.asking import read_policy
from harness.commands.options.reporting import add_no_report, report_files
from harness.commands.options.shared import (
    SPEC_FORMS,
    add_budget_and_policy,
    add_out,
    add_requests,
    add_seed,
    add_verbose,
    requested,
)
from harness.commands.showing.publish import ReportFiles, text_or_none
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.judge.ablation import disturbed_share, rows
from harness.policy.policy import Policy
from harness.redaction.documents import without_secrets
from harness.run.directory import write_atomically
from harness.session.allowance import Allowance
from harness.units import format_duration
from harness.work.ablation import AblationRequest, AblationWork, carry_out, cases, spread_budget, switches_of
from harness.work.sides import DEFAULT_TARGET, drive

BLOCK_S = 6.0
"""Approximate duration of a block of one switch on a small machine; most of it starts three processes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--target",
        metavar="SPEC",
        help=f"{SPEC_FORMS} (default: the policy's, or {DEFAULT_TARGET})",
    )
    add_requests(parser)
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME",
        help="measure only this optimisation; may be given several times (default: all)",
    )
    add_budget_and_policy(parser, "command")
    parser.add_argument("--strict", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--figures", type=Path, metavar="DIR", help="also write the plot as a PNG file into this folder"
    )
    add_out(parser, "result folder")
    add_no_report(parser, "")
    add_verbose(parser)
    add_seed(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    files = report_files(args)
    allowance = Allowance(args.budget)
    policy = read_policy(args, Path.cwd())
    driven = drive(args.target or policy.target or DEFAULT_TARGET, requested(args))
    chosen = cases(driven, switches_of(driven, args.switch))
    plan = spread_budget(args.budget, len(chosen), BLOCK_S)
    about = format_duration(round(len(chosen) * plan.screen_blocks * BLOCK_S))
    talk.say(f"{len(chosen)} sessions of {plan.screen_blocks} blocks: about {about}.")
    request = AblationRequest(policy, args.seed, chosen, plan, allowance, args.out, args.command.name)
    work = carry_out(request, talk)
    if work.early.interrupted:
        talk.say("Interrupted; the sessions measured so far are shown.")
        ended_early = f"Interrupted after {len(work.measured)} of {len(chosen)} sessions"
        _show(work, policy, driven.spec.shown, files, talk, ended_early)
        return ExitCode.INTERRUPTED
    _show(work, policy, driven.spec.shown, files, talk)
    return ExitCode.OK if any(one.receipt for one in work.measured) else ExitCode.INVALID


def _show(
    work: AblationWork,
    policy: Policy,
    target: str,
    files: ReportFiles,
    talk: Talk,
    ended_early: str = "",
) -> None:
    from reports.ablation.html import render_ablation_html
    from reports.ablation.markdown import render_ablation_markdown
    from reports.ablation.text import print_ablation, print_brief_ablation
    from reports.ablation.view import build_ablation
    from reports.charts import figures

    found = without_secrets(rows(work.measured, policy))
    view = build_ablation(
        found, subtitle=target, disturbed_share=disturbed_share(work.measured), ended_early=ended_early
    )
    report = work.folder.path / "report.html" if files.wanted else None
    if report:
        write_atomically(report, render_ablation_html(view).encode())
    table = work.folder.path / "ablation.md"
    write_atomically(table, render_ablation_markdown(view, every_row=True).encode())
    if files.figures:
        figures.write(view, files.figures)
    show = print_ablation if talk.is_verbose else print_brief_ablation
    show(view, talk.people, talk.console.width)
    if talk.as_json:
        shown = [dataclasses.asdict(row) for row in found]
        talk.document(
            {"schema": 1, "report": text_or_none(report), "interrupted": bool(ended_early), "rows": shown}
        )
    talk.say(
        f"Report: {report}" if report else f"Report: not made (--no-report). All rows as a table: {table}"
    )
