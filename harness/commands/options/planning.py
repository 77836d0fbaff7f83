"""Declare the options that shape a plan, and make the plan from them and a scenario."""

import argparse
import dataclasses
from pathlib import Path

from harness.commands.options.shared import positive_int, positive_rate, span_s
from harness.errors import UsageError
from harness.model import Arrivals, Executor, Scenario, Stage
from harness.plans.stagetext import read_stages
from harness.plans.trace import Trace
from harness.processes.loadrun import LoadPlan
from harness.run.replay import read_trace
from harness.units import in_full
from harness.work.preparing import Find


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--rate", type=positive_rate, metavar="R", help="target rate in calls per second (open model)"
    )
    pace.add_argument(
        "--users", type=positive_int, metavar="N", help="number of concurrent users (closed model)"
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument(
        "--stages",
        metavar="TEXT",
        help="stages of load in place of the scenario's: '10/s for 30s, ramp to 200/s in 1m, hold for 2m'",
    )
    shape.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="repeat the arrivals of a trace (CSV, JSON Lines, HAR, JMeter's .jtl, an access log) or of an earlier run",
    )
    add_pacing(parser)
    parser.add_argument(
        "--think-time", type=span_s, metavar="D", help="pause of each user between two calls (closed model)"
    )
    parser.add_argument(
        "--workers", type=positive_int, default=1, metavar="N",
        help="number of processes that share the plan, each with its own target (default 1)",
    )  # fmt: skip
    parser.add_argument("--duration", type=span_s, metavar="D", help="measured time: 10s, 5m, 1h")
    parser.add_argument("--warmup", type=span_s, metavar="D", help="time before the measured time")


def add_pacing(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the open model."""
    parser.add_argument(
        "--arrivals", choices=("uniform", "poisson"), help="spacing of the calls over time (open model)"
    )
    parser.add_argument(
        "--in-flight", type=positive_int, metavar="N",
        help="highest number of calls in flight; further calls are dropped (open model; default 10 s of arrivals)",
    )  # fmt: skip


_SHAPING = ("stages", "replay", "arrivals", "in_flight", "think_time", "warmup")


def shape(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the options that shaped the plan beyond scenario, rate, users and duration, as words."""
    given = [(name, getattr(args, name)) for name in _SHAPING]
    words = ((f"--{name.replace('_', '-')}", _word(value)) for name, value in given if value is not None)
    return tuple(word for pair in words for word in pair)


def _word(value: object) -> str:
    return f"{in_full(value)}s" if isinstance(value, float) else str(value)


def scenario_of(args: argparse.Namespace, scenario: Scenario) -> Scenario:
    """Return the scenario with the changes of the options. Raises `UsageError` for options that do not fit it."""
    is_open = scenario.executor is Executor.OPEN
    _refuse_unfit(args, scenario, is_open=is_open)
    if args.stages is not None:
        rate_per_s, stages = read_stages(args.stages)
        warmup_s = sum(stage.share for stage in stages if stage.warmup)
        scenario = dataclasses.replace(
            scenario, stages=stages, rate_per_s=rate_per_s,
            duration_s=sum(stage.share for stage in stages) - warmup_s, warmup_s=warmup_s or scenario.warmup_s,
        )  # fmt: skip
    if args.replay is not None:
        scenario = dataclasses.replace(
            scenario, stages=(Stage("replay", 1.0),), arrivals=Arrivals.REPLAY, rate_per_s=1.0
        )
    if args.arrivals is not None:
        scenario = dataclasses.replace(scenario, arrivals=Arrivals(args.arrivals))
    if args.think_time is not None:
        scenario = dataclasses.replace(scenario, think_time_s=args.think_time)
    return scenario


def _refuse_unfit(args: argparse.Namespace, scenario: Scenario, *, is_open: bool) -> None:
    for name in ("users", "think_time"):
        if is_open and getattr(args, name) is not None:
            raise UsageError(
                f"Scenario '{scenario.name}' is an open model: it has a rate, not users{_asked(name, 'users')}",
                remedy="Give --rate, or use scenario 'closed'",
            )
    for name in ("rate", "stages", "replay", "arrivals", "in_flight"):
        if not is_open and getattr(args, name) is not None:
            raise UsageError(
                f"Scenario '{scenario.name}' is a closed model: it has users, not a rate{_asked(name, 'rate')}",
                remedy="Give --users, or use scenario 'steady'",
            )
    if args.replay is not None and args.arrivals is not None:
        raise UsageError("A trace has its own arrivals", remedy="Remove --arrivals")
    if scenario.find_users and args.think_time:
        raise UsageError(
            f"Scenario '{scenario.name}' measures the highest throughput: its users do not think",
            remedy="Remove --think-time, or use scenario 'closed'",
        )


def _asked(name: str, usual: str) -> str:
    return "" if name == usual else f", and --{name.replace('_', '-')} does not apply"


def find(args: argparse.Namespace, scenario: Scenario) -> Find:
    """Return what the harness must find before the run: the rate, the users, or nothing."""
    if scenario.executor is Executor.CLOSED:
        return Find.USERS if scenario.find_users and args.users is None else Find.NOTHING
    return Find.RATE if args.rate is None and scenario.rate_per_s is None else Find.NOTHING


def plan_of(args: argparse.Namespace, scenario: Scenario) -> LoadPlan:
    """Return the plan of a scenario under the options. Raises `UsageError` for a plan that no run can hold."""
    trace = None if args.replay is None else _trace(args)
    plan = LoadPlan(
        scenario=scenario,
        rate_per_s=trace.rate_per_s if trace else args.rate or scenario.rate_per_s or 1.0,
        users=args.users or scenario.users,
        duration_s=_duration_s(args, scenario, trace),
        warmup_s=scenario.warmup_s if args.warmup is None else args.warmup,
        seed=args.seed,
        split=not args.no_split,
        workers=args.workers,
        trace=trace,
        in_flight=args.in_flight,
    )
    if plan.duration_s <= 0:
        raise UsageError("A run needs a duration above zero", remedy="Give one, such as --duration 10s")
    if args.rate is not None or scenario.rate_per_s is not None:
        plan.check()
    return plan


def _duration_s(args: argparse.Namespace, scenario: Scenario, trace: Trace | None) -> float:
    if trace is not None:
        return trace.duration_s
    return float(scenario.duration_s if args.duration is None else args.duration)


def _trace(args: argparse.Namespace) -> Trace:
    """Return the trace at the mean rate of `--rate` and cut to `--duration`, if given."""
    trace = read_trace(args.replay)
    if args.rate is not None:
        trace = trace.at_rate(args.rate)
    return trace if not args.duration else trace.first(args.duration)
