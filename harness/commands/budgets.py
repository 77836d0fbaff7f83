"""A budget and what it has room for: where it is too small, the refusal names one that would do."""

import math

from harness.errors import UsageError
from harness.judge.plan import session_plan
from harness.policy import Policy
from harness.session.receipt import SessionPlan
from harness.units import format_duration

_MOST_BLOCKS = 2_000
"""Beyond it, it is the policy that cannot be reached, not the budget that is too small."""

_ROUNDING = 1 + 1e-9
"""What is named must have room for all of the blocks when it is divided again."""


def plan_within(
    budget_s: float | None, block_s: float, policy: Policy, benchmarks: int, share: float = 1.0
) -> SessionPlan:
    """Return the plan of a suite that gets `share` of the budget, at `block_s` for a block with all `benchmarks`.

    Raises `UsageError` where no verdict is possible, with the least budget that would do if there is one.
    """
    try:
        return session_plan(None if budget_s is None else budget_s * share, block_s, policy, benchmarks)
    except UsageError as error:
        blocks = None if budget_s is None else _least_blocks(policy, benchmarks)
        if blocks is None:
            raise
        needed = format_duration(math.ceil(blocks * block_s / share * _ROUNDING))
        remedy = f"Give it a budget of at least {needed}, or fewer benchmarks"
        raise UsageError(error.what, where=error.where, remedy=remedy) from None


def _least_blocks(policy: Policy, benchmarks: int) -> int | None:
    """Return the fewest blocks with which a verdict is possible; None if no number of them will do."""
    for blocks in range(1, _MOST_BLOCKS + 1):
        try:
            session_plan(blocks, 1.0, policy, benchmarks)
        except UsageError:
            continue
        return blocks
    return None
