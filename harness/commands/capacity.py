"""`harness capacity`: find the highest rate that keeps an SLO, as an interval."""

import argparse
from pathlib import Path

from harness.commands.options import planning
from harness.commands.options.reporting import add_no_report, report_files
from harness.commands.options.shared import (
    add_backends,
    add_no_split,
    add_out,
    add_seed,
    add_target,
    add_verbose,
    positive_rate,
    requested,
    slo,
    span_s,
    target_of,
)
from harness.commands.showing import capacity as show_capacity
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError
from harness.judge import policy_file
from harness.model import Arrivals, Executor, Scenario
from harness.units import format_s
from harness.work.capacity_search import CapacityRequest, carry_out
from harness.work.command_line import command_line
from harness.work.probing import Question
from harness.work.subjects import find_scenario, select

EPILOG = (
    "Each probe is a run in a fresh process, after its own warm-up. The search doubles the rate until more calls exceed a "
    "limit than it allows, and measures seven more rates around that point. One curve through the counts of all probes gives "
    "the capacity with an interval of 90 % confidence; longer probes (--duration) narrow it. Exit codes: 3 the lowest rate "
    "already breaks the SLO, 5 the probes give no capacity."
)
_LEAST_BUDGET_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("scenario", metavar="SCENARIO", help="an open-model scenario: see 'harness list'")
    add_target(parser)
    parser.add_argument("--variant", metavar="V", help="variant of the target")
    parser.add_argument(
        "--slo", type=slo, action="append", required=True, metavar="EXPR",
        help="limits that must hold, such as 'p99<25ms,errors<0.1%%'; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=positive_rate, metavar="R",
        help="lowest rate, in calls per second, where the search begins (default: a quarter of the throughput of a closed model; lower rates follow if it breaks the SLO)",
    )  # fmt: skip
    parser.add_argument(
        "--duration",
        type=span_s,
        default=10.0,
        metavar="D",
        help="shortest measured time of a probe (default 10s)",
    )
    parser.add_argument("--warmup", type=span_s, metavar="D", help="warm-up before each probe: 2s")
    parser.add_argument(
        "--budget",
        type=span_s,
        default=600.0,
        metavar="D",
        help="longest time the search may take (default 10m)",
    )
    parser.add_argument(
        "--tolerance", type=tolerance, default=0.05, metavar="P%",
        help="width of the interval at which the search may end early (default 5%%)",
    )  # fmt: skip
    planning.add_pacing(parser)
    add_no_split(parser)
    add_backends(parser)
    add_out(parser, "result folder")
    add_no_report(parser)
    add_verbose(parser)
    add_seed(parser)
    parser.set_defaults(stages=None, replay=None, users=None, think_time=None, workers=1)


def tolerance(text: str) -> float:
    """Return a percentage from 0.5 % to 100 % as a share."""
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = 0.0
    if not 0.5 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"'{text}' is not a percentage from 0.5% to 100%")
    return percent / 100


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    scenario = planning.scenario_of(args, _open_scenario(args.scenario))
    selection = select(target_of(args), scenario, [args.variant] if args.variant else [], requested(args))
    _check_times(args)
    question = Question(
        selection=selection,
        plan=planning.plan_of(args, scenario),
        slos=tuple(args.slo),
        command=command_line(),
        shape=planning.shape(args),
        thresholds=policy_file.thresholds(Path.cwd()),
    )
    request = CapacityRequest(
        question=question,
        start_per_s=args.rate,
        tolerance=args.tolerance,
        budget_s=args.budget,
        backends=args.backends if selection.entry.needs_servers else "none",
        out=args.out,
    )
    if selection.remark:
        talk.say(selection.remark)
    folder, document = carry_out(request, talk)
    return show_capacity.present(folder, document, talk, files=report_files(args))


def _open_scenario(name: str) -> Scenario:
    scenario = find_scenario(name)
    if scenario.executor is not Executor.OPEN or scenario.arrivals is Arrivals.REPLAY:
        raise UsageError(
            f"Scenario '{name}' has no rate to raise",
            remedy="Use an open-model scenario such as 'steady'; for the highest throughput: harness run max-throughput",
        )
    return scenario


def _check_times(args: argparse.Namespace) -> None:
    if args.duration <= 0 or args.budget < _LEAST_BUDGET_S + args.duration:
        raise UsageError(
            f"A budget of {format_s(args.budget)} is too short for one probe of {format_s(args.duration)} with its warm-up",
            remedy="Raise --budget or lower --duration",
        )
