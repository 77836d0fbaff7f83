"""`harness profile`: show where a scenario spends time and memory and, for two sides, which functions changed."""

import argparse
import dataclasses
from pathlib import Path

from harness.commands.options import planning
from harness.commands.options.reporting import add_no_report, report_files
from harness.commands.options.shared import (
    add_backends,
    add_out,
    add_overhead_budget,
    add_seed,
    add_subprocesses,
    add_target,
    add_verbose,
    check_subprocesses,
    positive_int,
    requested,
    target_of,
)
from harness.commands.showing import profile as show_profile
from harness.commands.showing.ended import end
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError
from harness.judge import policy_file
from harness.policy.policy import Policy
from harness.processes.loadrun import LoadPlan
from harness.profiles.difference.finding import STRICT
from harness.profiling.runs import RATE_HZ, Sampling
from harness.work import profile_rounds
from harness.work.command_line import command_line
from harness.work.profile_sides import ProfileSide, sides_of
from harness.work.subjects import find_scenario, refuse_profiles

EPILOG = (
    "Profiled calls are slower, so this command reports no latencies. Give two sides as two --variant, or as --base: "
    "git:REVISION and path:CHECKOUT are compared with this folder, target:SPEC with --target. Each profile of a side then "
    "comes from its own process, and the processes run in random order. A function can be called changed from "
    f"{STRICT.least_runs} rounds a side."
)
KINDS = ("cpu", "wait", "memory")
USUAL_KINDS = ("cpu", "memory")
MEASURED_S = 10.0
"""Default measured time of each round; it is short because there are many rounds."""

_OF_SERVERS = ("cpu",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.set_defaults(no_split=True)
    parser.add_argument("scenario", metavar="SCENARIO", help="see 'harness list'")
    add_target(parser)
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="V",
        help="variant of the target; give two to compare the second with the first",
    )
    parser.add_argument(
        "--base", metavar="SUBJECT", help="side to compare with: git:REVISION, path:CHECKOUT or target:SPEC"
    )
    parser.add_argument(
        "--kinds",
        type=_kinds,
        default=USUAL_KINDS,
        metavar="KINDS",
        help="profiles to make: cpu, wait, memory, separated by commas (default cpu,memory)",
    )
    parser.add_argument(
        "--rounds", type=positive_int, metavar="N",
        help=f"processes for each side and kind of profile (default 1; {STRICT.least_runs} for two sides)",
    )  # fmt: skip
    parser.add_argument(
        "--hz", type=positive_int, default=RATE_HZ, metavar="N",
        help=f"highest sampling rate per second; the overhead budget may lower it (default {RATE_HZ})",
    )  # fmt: skip
    add_subprocesses(parser)
    add_overhead_budget(parser)
    planning.add_arguments(parser)
    add_backends(parser)
    add_out(parser, "run directories")
    add_no_report(parser)
    add_verbose(parser)
    add_seed(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    if args.workers > 1:
        raise UsageError(
            f"A profile covers one process, but --workers {args.workers} starts several",
            remedy="Remove --workers",
        )
    check_subprocesses(args, args.kinds, "Name one of them with --kinds")
    project = Path.cwd()
    policy = policy_file.read(project) if args.base else Policy()
    scenario = planning.scenario_of(args, find_scenario(args.scenario))
    sides = sides_of(target_of(args), args.variant, args.base, scenario, policy, project, requested(args))
    for side in sides:
        refuse_profiles(side.selection, "A profile")
    needs_servers = any(side.selection.entry.needs_servers for side in sides)
    request = profile_rounds.ProfileRequest(
        sides=sides,
        plan=_plan(args, planning.plan_of(args, scenario)),
        find=planning.find(args, scenario),
        kinds=_possible(args.kinds, sides),
        rounds=args.rounds or (1 if len(sides) == 1 else STRICT.least_runs),
        sampling=Sampling(args.hz, args.overhead_budget, args.subprocesses),
        backends=args.backends if needs_servers else "none",
        out=args.out,
        command=command_line(),
        policy=policy,
        build=policy_file.build(project) if args.base else None,
    )
    for remark in {side.selection.remark for side in sides if side.selection.remark}:
        talk.say(remark)
    work = profile_rounds.carry_out(request, talk)
    talk.ended_by = work.error
    code = show_profile.present(
        work.directories, talk, files=report_files(args), interrupted=work.interrupted
    )
    return end(work, code, talk)


def _kinds(text: str) -> tuple[str, ...]:
    wanted = text.split(",")
    for kind in wanted:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError(f"there is no profile '{kind}': choose from {','.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in wanted)


def _possible(kinds: tuple[str, ...], sides: tuple[ProfileSide, ...]) -> tuple[str, ...]:
    """Return the kinds that can be made of these sides: of a server CPU alone. Raises `UsageError` for one that was asked for."""
    if not any(side.selection.server for side in sides):
        return kinds
    if kinds not in {USUAL_KINDS, _OF_SERVERS}:
        raise UsageError(
            "A server is profiled for CPU alone: its allocations and waits can be seen only from within its process",
            remedy="Give --kinds cpu; 'harness run' shows its memory over time",
        )
    return _OF_SERVERS


def _plan(args: argparse.Namespace, plan: LoadPlan) -> LoadPlan:
    """Return the plan of one round, cut to `MEASURED_S` unless the caller asked for a length."""
    if args.duration is not None or args.stages is not None or plan.trace is not None:
        return plan
    return dataclasses.replace(plan, duration_s=min(plan.duration_s, MEASURED_S))
