"""`harness run`: a scenario against a target, one run directory for each variant, and a report."""

import argparse
import shlex
import sys
from pathlib import Path

from harness.commands import experiment, show
from harness.commands.console import Talk
from harness.commands.options import add_seed, positive_int, positive_rate, slo, span_s
from harness.commands.subjects import find_scenario, select
from harness.errors import ExitCode, UsageError, worst
from harness.loadrun import LoadPlan
from harness.model import Executor, Scenario

NAME = "run"
HELP = "run a load scenario against a target and report"
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
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--rate", type=positive_rate, metavar="R", help="arrivals per second (open model)")
    pace.add_argument("--users", type=positive_int, metavar="N", help="concurrent users (closed model)")
    parser.add_argument("--duration", type=span_s, metavar="D", help="measured time: 10s, 5m, 1h")
    parser.add_argument("--warmup", type=span_s, metavar="D", help="time before the measured time")
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
    add_seed(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    scenario = find_scenario(args.scenario)
    selection = select(args.target, scenario, args.variant)
    request = experiment.Request(
        selection=selection,
        plan=_plan(args, scenario),
        find_rate=scenario.executor is Executor.OPEN and args.rate is None and scenario.rate_per_s is None,
        profiles=_profiles(args.profile),
        backends=args.backends if selection.entry.needs_servers else "none",
        out=args.out,
        command=shlex.join(["harness", *sys.argv[1:]]),
        slos=tuple(args.slo),
    )
    work = experiment.carry_out(request, talk)
    code = show.present(work.directories, talk, figures=args.figures, interrupted=work.interrupted)
    if work.error is None:
        return code
    talk.say(f"harness: The work ended early: {work.error}")
    return worst([code, work.error.exit_code])


def _plan(args: argparse.Namespace, scenario: Scenario) -> LoadPlan:
    if scenario.executor is Executor.OPEN and args.users is not None:
        raise UsageError(
            f"Scenario '{scenario.name}' is an open model: it has a rate, no users",
            remedy="Give --rate, or take scenario 'closed'",
        )
    if scenario.executor is Executor.CLOSED and args.rate is not None:
        raise UsageError(
            f"Scenario '{scenario.name}' is a closed model: it has users, no rate",
            remedy="Give --users, or take scenario 'steady'",
        )
    plan = LoadPlan(
        scenario=scenario,
        rate_per_s=args.rate or scenario.rate_per_s or 1.0,
        users=args.users or scenario.users,
        duration_s=scenario.duration_s if args.duration is None else args.duration,
        warmup_s=scenario.warmup_s if args.warmup is None else args.warmup,
        seed=args.seed,
        split=not args.no_split,
    )
    if plan.duration_s <= 0:
        raise UsageError("A run needs a duration above zero", remedy="Give --duration 10s")
    if args.rate is not None or scenario.rate_per_s is not None:
        plan.check()
    return plan


def _profiles(text: str) -> tuple[str, ...]:
    wanted = () if text == "none" else tuple(text.split(","))
    for kind in wanted:
        if kind not in PROFILES:
            raise UsageError(
                f"There is no profile '{kind}'", remedy=f"There are: none, {', '.join(PROFILES)}, or both"
            )
    return wanted
