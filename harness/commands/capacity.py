"""`harness capacity`: the highest rate that keeps an SLO, as an interval."""

import argparse
from pathlib import Path

from harness.commands.options import planning
from harness.commands.options.shared import add_seed, positive_rate, slo, span_s
from harness.commands.publish import add_no_report, report_files
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
    "Each probe is a run in a fresh process, after its own warm-up. The rate is doubled until a limit breaks, then the gap "
    "is halved until it is narrow, then both ends are measured once more. A rate holds only where the counts certify every "
    "limit; a probe that is invalid says nothing of the target. Exit code 3: the lowest rate breaks the SLO already; 5: "
    "nothing could be certified."
)
_LEAST_BUDGET_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("scenario", metavar="SCENARIO", help="of the open model: see 'harness list'")
    parser.add_argument("--target", metavar="SPEC", help="NAME?key=value, file.py:factory or module:factory")
    parser.add_argument("--variant", metavar="V", help="of the target")
    parser.add_argument(
        "--slo", type=slo, action="append", required=True, metavar="EXPR",
        help="what must hold, such as 'p99<25ms,errors<0.1%%'; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=positive_rate, metavar="R",
        help="the lowest rate, where the search begins (default: a quarter of what closed users get, and from there down)",
    )  # fmt: skip
    parser.add_argument(
        "--duration",
        type=span_s,
        default=10.0,
        metavar="D",
        help="least measured time of a probe (default 10s)",
    )
    parser.add_argument("--warmup", type=span_s, metavar="D", help="before each probe")
    parser.add_argument("--budget", type=span_s, default=600.0, metavar="D", help="of it all (default 10m)")
    parser.add_argument(
        "--tolerance", type=tolerance, default=0.05, metavar="P%",
        help="width of the interval that is narrow enough (default 5%%)",
    )  # fmt: skip
    planning.add_pacing(parser)
    parser.add_argument("--no-split", action="store_true", help="do not split service by the switch hook")
    parser.add_argument("--backends", choices=("embedded", "external", "memory"), default="embedded")
    parser.add_argument(
        "--out", type=Path, default=Path("runs"), metavar="DIR", help="parent of the search's folder"
    )
    add_no_report(parser)
    add_seed(parser)
    parser.set_defaults(stages=None, replay=None, users=None, think_time=None, workers=1)


def tolerance(text: str) -> float:
    """Return the share of a percentage from 0.5 % to 100 %."""
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
    selection = select(args.target, scenario, [args.variant] if args.variant else [])
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
    folder, document = carry_out(request, talk)
    return show_capacity.present(folder, document, talk, files=report_files(args))


def _open_scenario(name: str) -> Scenario:
    scenario = find_scenario(name)
    if scenario.executor is not Executor.OPEN or scenario.arrivals is Arrivals.REPLAY:
        raise UsageError(
            f"Scenario '{name}' has no rate that could be raised",
            remedy="Take an open one such as 'steady'; for the most that can be answered: harness run max-throughput",
        )
    return scenario


def _check_times(args: argparse.Namespace) -> None:
    if args.duration <= 0 or args.budget < _LEAST_BUDGET_S + args.duration:
        raise UsageError(
            f"A budget of {format_s(args.budget)} holds no probe of {format_s(args.duration)} and its warm-up",
            remedy="Raise --budget or lower --duration",
        )
