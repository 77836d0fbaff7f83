"""`harness run`: a scenario against a target, one run directory for each variant, and a report."""

import argparse
import dataclasses
from pathlib import Path

from harness.commands.options import planning
from harness.commands.options.shared import (
    add_overhead_budget,
    add_seed,
    add_subprocesses,
    check_subprocesses,
    slo,
)
from harness.commands.publish import add_no_report, report_files
from harness.commands.showing import runs as show
from harness.commands.showing.ended import end
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError
from harness.judge import policy_file
from harness.profiling.runs import Sampling
from harness.work import experiment
from harness.work.command_line import command_line
from harness.work.subjects import find_scenario, select

PROFILES = ("cpu", "memory")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("scenario", metavar="SCENARIO", help="see 'harness list'")
    parser.add_argument("--target", metavar="SPEC", help="NAME?key=value, file.py:factory or module:factory")
    parser.add_argument(
        "--variant", action="append", default=[], metavar="V", help="may be given several times"
    )
    parser.add_argument(
        "--profile", default="none", metavar="KINDS", help="none, or cpu, memory or cpu,memory"
    )
    add_subprocesses(parser)
    add_overhead_budget(parser)
    planning.add_arguments(parser)
    parser.add_argument(
        "--slo",
        type=slo,
        action="append",
        default=[],
        metavar="EXPR",
        help="a limit such as 'p99<25ms,errors<0.1%%', or 'OPERATION: p99<25ms'; may be given several times",
    )
    parser.add_argument("--no-split", action="store_true", help="do not split service by the switch hook")
    parser.add_argument("--backends", choices=("embedded", "external", "memory"), default="embedded")
    parser.add_argument(
        "--out", type=Path, default=Path("runs"), metavar="DIR", help="parent of the run directory"
    )
    parser.add_argument(
        "--figures", type=Path, metavar="DIR", help="write the report's figures as PNG files too"
    )
    add_no_report(parser)
    add_seed(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    files = report_files(args)
    scenario = planning.scenario_of(args, find_scenario(args.scenario))
    selection = select(args.target, scenario, args.variant)
    request = experiment.RunRequest(
        selection=selection,
        plan=dataclasses.replace(planning.plan_of(args, scenario), waits=not args.no_split),
        find=planning.find(args, scenario),
        profiles=_profiles(args),
        backends=args.backends if selection.entry.needs_servers else "none",
        out=args.out,
        command=command_line(),
        slos=tuple(args.slo),
        thresholds=policy_file.thresholds(Path.cwd()),
        sampling=Sampling(budget=args.overhead_budget, children=args.subprocesses),
        shape=planning.shape(args),
    )
    work = experiment.carry_out(request, talk)
    code = show.present(work.directories, talk, files=files, interrupted=work.interrupted)
    return end(work, code, talk)


def _profiles(args: argparse.Namespace) -> tuple[str, ...]:
    wanted = () if args.profile == "none" else tuple(args.profile.split(","))
    for kind in wanted:
        if kind not in PROFILES:
            raise UsageError(
                f"There is no profile '{kind}'", remedy=f"There are: none, {', '.join(PROFILES)}, or both"
            )
    if wanted and args.workers > 1:
        raise UsageError(
            f"A profile is of one process, and --workers {args.workers} makes several",
            remedy="Profile the same scenario in a run without --workers",
        )
    check_subprocesses(args, wanted, "Add --profile cpu,memory")
    return wanted
