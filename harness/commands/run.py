"""`harness run`: run a scenario against a target, with one run directory for each variant, and report."""

import argparse
import dataclasses
from pathlib import Path

from harness.commands.options import planning
from harness.commands.options.reporting import add_no_report, report_files
from harness.commands.options.shared import (
    add_backends,
    add_no_split,
    add_out,
    add_overhead_budget,
    add_seed,
    add_subprocesses,
    add_target,
    add_verbose,
    check_subprocesses,
    requested,
    run_slo,
    target_of,
)
from harness.commands.showing import index as show_index
from harness.commands.showing import runs as show
from harness.commands.showing.ended import end
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError
from harness.judge import policy_file
from harness.profiling.runs import Sampling
from harness.work import experiment
from harness.work.command_line import command_line
from harness.work.subjects import find_scenario, refuse_profiles, select, with_replayed

PROFILES = ("cpu", "memory")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("scenario", metavar="SCENARIO", help="see 'harness list'")
    add_target(parser)
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="V",
        help="variant of the target; may be given several times",
    )
    parser.add_argument(
        "--profile",
        default="none",
        metavar="KINDS",
        help="profiles to add in runs of their own: none, cpu, memory or cpu,memory (default none)",
    )
    add_subprocesses(parser)
    add_overhead_budget(parser)
    planning.add_arguments(parser)
    parser.add_argument(
        "--slo",
        type=run_slo,
        action="append",
        default=[],
        metavar="EXPR",
        help="a limit such as 'p99<25ms,errors<0.1%%', 'OPERATION: p99<25ms', or of growth: 'rss<+5MB/h,fds<+0'; "
        "may be given several times",
    )
    add_no_split(parser)
    add_backends(parser)
    add_out(parser, "run directories")
    parser.add_argument(
        "--figures",
        type=Path,
        metavar="DIR",
        help="also write the report's figures as PNG files into this folder",
    )
    parser.add_argument(
        "--traceparent", action="store_true",
        help="give each call the W3C header traceparent (wsgi:, asgi:, lambda:): the report then names the traces of slow calls",
    )  # fmt: skip
    add_no_report(parser)
    add_verbose(parser)
    add_seed(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    files = report_files(args)
    scenario = planning.scenario_of(args, find_scenario(args.scenario))
    selection = with_replayed(select(target_of(args), scenario, args.variant, requested(args)), args.replay)
    profiles = _profiles(args)
    if profiles:
        refuse_profiles(selection, "--profile")
    request = experiment.RunRequest(
        selection=selection,
        plan=dataclasses.replace(
            planning.plan_of(args, scenario), waits=not args.no_split, traceparent=args.traceparent
        ),
        find=planning.find(args, scenario),
        profiles=profiles,
        backends=args.backends if selection.entry.needs_servers else "none",
        out=args.out,
        command=command_line(),
        slos=tuple(args.slo),
        thresholds=policy_file.thresholds(Path.cwd()),
        sampling=Sampling(budget=args.overhead_budget, children=args.subprocesses),
        shape=planning.shape(args),
    )
    if selection.remark:
        talk.say(selection.remark)
    work = experiment.carry_out(request, talk)
    talk.ended_by = work.error
    code = show.present(work.directories, talk, files=files, interrupted=work.interrupted)
    show_index.refresh(args.out, talk)
    return end(work, code, talk)


def _profiles(args: argparse.Namespace) -> tuple[str, ...]:
    wanted = () if args.profile == "none" else tuple(args.profile.split(","))
    for kind in wanted:
        if kind not in PROFILES:
            raise UsageError(
                f"There is no profile '{kind}'", remedy=f"Choose from: none, {', '.join(PROFILES)}, or both"
            )
    if wanted and args.workers > 1:
        raise UsageError(
            f"A profile covers one process, but --workers {args.workers} starts several",
            remedy="Profile the same scenario in a run without --workers",
        )
    check_subprocesses(args, wanted, "Add --profile cpu,memory")
    return wanted
