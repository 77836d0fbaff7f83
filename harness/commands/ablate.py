"""`harness ablate`: what each optimisation of a target is worth on this machine."""

import argparse
import dataclasses
from pathlib import Path

from harness.commands.options.asking import read_policy
from harness.commands.options.shared import add_seed, span_s
from harness.console.console import Talk
from harness.errors import ExitCode, RefusedError
from harness.policy.policy import Policy
from harness.redaction.documents import without_secrets
from harness.run.directory import write_atomically
from harness.session.allowance import Allowance
from harness.storage.folder import ABLATION
from harness.supervise import Supervisor, termination_as_exception
from harness.units import format_duration
from harness.work.ablation import Ablation, Measured, cases, disturbed_share, rows, spread_budget, switches_of
from harness.work.session_folder import SessionFolder
from harness.work.sides import DEFAULT_TARGET, drive

BLOCK_S = 6.0
"""About what a block of one switch takes on a small machine: starting three processes is most of it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--target", metavar="SPEC", help=f"default: the policy's, or {DEFAULT_TARGET}")
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one; may be given several times",
    )
    parser.add_argument("--budget", type=span_s, metavar="D", help="how long it may take at most")
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="instead of [tool.harness] in pyproject.toml"
    )
    parser.add_argument("--strict", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write the plot as a PNG file too")
    parser.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="parent of the folder")
    add_seed(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    allowance = Allowance(args.budget)
    policy = read_policy(args, Path.cwd())
    driven = drive(args.target or policy.target or DEFAULT_TARGET)
    chosen = cases(driven, switches_of(driven, args.switch))
    plan = spread_budget(args.budget, len(chosen), BLOCK_S)
    about = format_duration(round(len(chosen) * plan.screen_blocks * BLOCK_S))
    talk.say(f"{len(chosen)} sessions of {plan.screen_blocks} blocks: about {about}.")
    folder = SessionFolder(args.out, args.command.name, ABLATION)
    measured: list[Measured] = []
    try:
        with termination_as_exception(), Supervisor() as supervisor:
            Ablation(policy, args.seed, folder, plan, allowance=allowance).measure(
                chosen, talk, supervisor, measured
            )
    except KeyboardInterrupt:
        talk.say("Interrupted; what was measured is shown.")
        ended_early = f"Interrupted after {len(measured)} of {len(chosen)} sessions"
        _show(measured, policy, driven.spec.shown, folder, args, talk, ended_early)
        return ExitCode.INTERRUPTED
    except RefusedError:
        if not measured:
            folder.discard_if_empty()
        raise
    finally:
        folder.finish()
    _show(measured, policy, driven.spec.shown, folder, args, talk)
    return ExitCode.OK if any(one.receipt for one in measured) else ExitCode.INVALID


def _show(
    measured: list[Measured], policy: Policy, target: str, folder: SessionFolder, args: argparse.Namespace, talk: Talk,
    ended_early: str = "",
) -> None:  # fmt: skip
    from reports import figures
    from reports.ablation.html import render_ablation_html
    from reports.ablation.markdown import render_ablation_markdown
    from reports.ablation.text import print_ablation
    from reports.ablation.view import build_ablation

    found = without_secrets(rows(measured, policy))
    view = build_ablation(
        found, subtitle=target, disturbed_share=disturbed_share(measured), ended_early=ended_early
    )
    report = folder.path / "report.html"
    write_atomically(report, render_ablation_html(view).encode())
    write_atomically(folder.path / "ablation.md", render_ablation_markdown(view, every_row=True).encode())
    if args.figures:
        figures.write(view, args.figures)
    print_ablation(view, talk.people, talk.console.width)
    if talk.as_json:
        shown = [dataclasses.asdict(row) for row in found]
        talk.document({"schema": 1, "report": str(report), "interrupted": bool(ended_early), "rows": shown})
    talk.say(f"Report: {report}")
