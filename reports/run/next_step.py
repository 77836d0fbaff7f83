"""Choose the next command after a run with trouble: never more load, and no profile of calls that did not run."""

import shlex
from collections.abc import Sequence

from harness.model import Executor
from harness.policy.thresholds import Level
from harness.reading.locustfile import is_of_file
from harness.reading.served import lost_count
from harness.units import in_full
from reports.run.sides import Side
from reports.run.trouble import errors, interruption, too_slow
from reports.shared.model import NextCommand

_FEW_S = 5.0


def after_trouble(sides: Sequence[Side]) -> NextCommand | None:
    """Return the next command for the gravest trouble of any run; None where all went as planned."""
    for step in (
        _after_nothing_completed,
        _after_interruption,
        _after_invalid,
        _after_failures,
        _after_losses,
    ):
        for side in sides:
            if command := step(side, sides):
                return command
    return None


def after_locustfile(sides: Sequence[Side]) -> NextCommand | None:
    """Return the next command after a run of somebody's locustfile, which no scenario repeats; None after any other."""
    for side in sides:
        if is_of_file(side.run):
            if side.withheld:
                return NextCommand(
                    "harness doctor", "see what this machine can measure, and what disturbs it"
                )
            folder = side.run.directory.path
            return NextCommand(
                shlex.join(["harness", "report", str(folder), "--verbose"]), "see all tables of this run"
            )
    return None


def more_load(sides: Sequence[Side], variant: str) -> NextCommand:
    """Return the same runs at twice the load; where a run is degraded, the check of the machine instead."""
    side = sides[0]
    if any(one.judged.validity.level is not Level.VALID for one in sides):
        return NextCommand("harness doctor", "see what this machine can measure, and what disturbs it")
    plan, run = side.run.document.plan, f"{shlex.join(scenario_words(side))}{variant}"
    if plan.executor == Executor.CLOSED:
        return NextCommand(f"{run} --users {2 * plan.users}", "see what twice as many users would find")
    return NextCommand(f"{run} --rate {in_full(2 * plan.rate_per_s)}", "see how it bears twice the rate")


def scenario_words(side: Side) -> list[str]:
    """Return the command of a run's scenario and target, without load and variants."""
    document = side.run.document
    return ["harness", "run", document.scenario, "--target", document.target, *document.shape]


def variant_words(sides: Sequence[Side]) -> str:
    """Return the variants of the runs as options, with a blank before each."""
    variants = dict.fromkeys(side.run.document.variant for side in sides)
    return "".join(f" --variant {shlex.quote(name)}" for name in variants if name)


def _again(side: Side, sides: Sequence[Side], why: str, load: float, duration_s: float | None) -> NextCommand:
    """Return the runs once more, at `load` (a rate or a number of users)."""
    option = "--users" if side.run.document.plan.executor == Executor.CLOSED else "--rate"
    words = [*scenario_words(side), option, in_full(load)]
    words += ["--duration", f"{in_full(duration_s)}s"] if duration_s is not None else []
    return NextCommand(f"{shlex.join(words)}{variant_words(sides)}", why)


def _load(side: Side) -> float:
    plan = side.run.document.plan
    return float(plan.users) if plan.executor == Executor.CLOSED else plan.rate_per_s


def _planned_s(side: Side) -> float | None:
    """Return the requested measured time; None for a trace, which has its own."""
    plan = side.run.document.plan
    return None if plan.replayed else plan.duration_s


def _after_nothing_completed(side: Side, sides: Sequence[Side]) -> NextCommand | None:
    if not errors(side) or side.run.total.outcomes["completed"]:
        return None
    return _again(side, sides, "see whether one call at a time completes", 1.0, _FEW_S)


def _after_invalid(side: Side, _sides: Sequence[Side]) -> NextCommand | None:
    if not side.withheld:
        return None
    return NextCommand("harness doctor", "see what this machine can measure, and what disturbs it")


def _after_interruption(side: Side, sides: Sequence[Side]) -> NextCommand | None:
    if not interruption(side):
        return None
    return _again(side, sides, "measure all of what was planned", _load(side), _planned_s(side))


def _after_failures(side: Side, sides: Sequence[Side]) -> NextCommand | None:
    if not errors(side):
        return None
    return _less(side, sides, "see whether calls fail")


def _after_losses(side: Side, sides: Sequence[Side]) -> NextCommand | None:
    if not lost_count(side.run) and not too_slow(side):
        return None
    return _less(side, sides, "see whether every call is answered in time")


def _less(side: Side, sides: Sequence[Side], why: str) -> NextCommand:
    """Return the runs at half the load; one user cannot be halved."""
    if side.run.document.plan.executor != Executor.CLOSED:
        return _again(side, sides, f"{why} at half the rate too", _load(side) / 2, _planned_s(side))
    users = max(side.run.document.plan.users // 2, 1)
    where = "with half as many users too" if users < _load(side) else "again"
    return _again(side, sides, f"{why} {where}", users, _planned_s(side))
