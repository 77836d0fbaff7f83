"""Fit sessions into a budget; the refusal of a budget that is too small names one that would do."""

import math

from harness.errors import UsageError
from harness.judge.plan import session_plan
from harness.judge.policy_file import refuse_unreachable
from harness.policy.policy import Policy
from harness.session.allowance import END_S, RESERVE, Allowance
from harness.session.load.blocks import load_session_seconds, probe_seconds
from harness.session.pace import Pace
from harness.session.receipt import SessionPlan
from harness.units import format_duration

_MOST_BLOCKS = 2_000
"""Maximum number of blocks: beyond it the policy cannot be met by any budget."""

_SERVERS_S = 15.0
"""Time to start embedded servers and fill them, on a small machine."""
_ROUNDING = 1 + 1e-9
"""Factor against rounding: a named budget must have room for all of the blocks when it is divided again."""


def plan_within(
    budget_s: float | None,
    block_s: float,
    policy: Policy,
    benchmarks: int,
    share: float = 1.0,
    beside_s: float = 0.0,
) -> SessionPlan:
    """Return the plan of a suite that gets `share` of the budget, at `block_s` for a block with all `benchmarks`.

    `beside_s` is the part of the share that is needed beside blocks: time already passed, and other measurements. Raises
    `UsageError` where no verdict is possible, with the smallest sufficient budget if there is one.
    """
    try:
        for_blocks_s = None if budget_s is None else max(0.0, budget_s * share - beside_s)
        return session_plan(for_blocks_s, block_s, policy, benchmarks)
    except UsageError as error:
        blocks = None if budget_s is None else _least_blocks(policy, benchmarks)
        if blocks is None:
            raise
        needed_s = RESERVE * (blocks * block_s + beside_s) / share
        needed = format_duration(math.ceil(needed_s * _ROUNDING))
        remedy = f"Give a budget of at least {needed}, or fewer benchmarks"
        raise UsageError(error.what, where=error.where, remedy=remedy) from None


def require_room_for_load(
    budget_s: float | None, policy: Policy, share: float, times_s: tuple[float, float], *, has_servers: bool
) -> None:
    """Raise `UsageError`, before any measurement, if load blocks of (duration, warm-up) do not fit their share."""
    block_s, _ = load_session_seconds(SessionPlan(load_blocks=1), *times_s)
    beside_s = probe_seconds() + END_S + (_SERVERS_S if has_servers else 0.0)
    plan_within(budget_s, block_s, policy, 1, share, beside_s)


def require_room_for_counting(allowance: Allowance, seconds: float) -> None:
    """Raise `UsageError`, before any measurement, if counting instructions for `seconds` does not fit into the allowance."""
    if seconds <= allowance.left_s or allowance.budget_s is None:
        return
    needed = format_duration(math.ceil(RESERVE * (allowance.budget_s - allowance.left_s + seconds)))
    raise UsageError(
        f"The budget of {format_duration(allowance.budget_s)} is too short: counting the instructions takes about "
        f"{format_duration(math.ceil(seconds))}",
        remedy=f"Give a budget of at least {needed}, or fewer benchmarks",
    )


def pace_of(allowance: Allowance, policy: Policy) -> Pace:
    """Return the pace that keeps a session within its allowance and the policy's thresholds."""

    def refit(blocks: int, benchmarks: int) -> SessionPlan | None:
        try:
            return session_plan(blocks, 1.0, policy, benchmarks)
        except UsageError:
            return None

    def can_confirm(plan: SessionPlan, candidates: int) -> bool:
        try:
            refuse_unreachable(plan, policy, candidates)
        except UsageError:
            return False
        return True

    return Pace(allowance, refit, can_confirm)


def _least_blocks(policy: Policy, benchmarks: int) -> int | None:
    """Return the smallest number of blocks that makes a verdict possible; None if no number does."""
    for blocks in range(1, _MOST_BLOCKS + 1):
        try:
            session_plan(blocks, 1.0, policy, benchmarks)
        except UsageError:
            continue
        return blocks
    return None
