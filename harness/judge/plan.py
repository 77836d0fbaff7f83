"""Set the number of blocks of a session before it begins, and compute its minimum detectable effect."""

import math

from harness.errors import UsageError
from harness.judge.controls import NULL_ALPHA
from harness.judge.policy_file import refuse_unreachable
from harness.policy.policy import Policy
from harness.session.receipt import SessionPlan
from harness.stats import power
from harness.stats.order import fewest
from harness.units import format_duration, significant

LEAST_SCREEN_BLOCKS = fewest(1 - NULL_ALPHA)
"""Number of blocks that the A/A check needs; a 95 % interval needs fewer."""
_STANDARD = SessionPlan()
_STANDARD_BLOCKS = _STANDARD.extended_blocks + _STANDARD.confirm_blocks


def session_plan(
    budget_s: float | None, seconds_per_block: float, policy: Policy, benchmarks: int
) -> SessionPlan:
    """Return the plan that fits `budget_s` with everything extended and confirmed; the standard one without a budget.

    `seconds_per_block` is for a block with all `benchmarks`. Confirmation of more than four candidates takes a
    quarter more blocks, each of few benchmarks, which are not counted here. Raises `UsageError` where the plan could
    not reach its own alpha, or has too few blocks for its controls.
    """
    plan = _STANDARD if budget_s is None else _of(_fitting(budget_s, seconds_per_block))
    if plan.screen_blocks < LEAST_SCREEN_BLOCKS:
        needed_s = _least_blocks() * seconds_per_block
        raise UsageError(
            f"The budget has room for {plan.screen_blocks + plan.confirm_blocks} of the {_least_blocks()} blocks that a session "
            "needs: a sign test of three blocks, for example, cannot go below 12.5 %",
            remedy=f"Give it a budget of at least {format_duration(math.ceil(needed_s))}, or fewer benchmarks",
        )
    for candidates in {min(max(benchmarks, 1), 4), max(benchmarks, 1)}:
        refuse_unreachable(plan, policy, candidates)
    return plan


def what_it_detects(plan: SessionPlan, spread: float, policy: Policy) -> str:
    """Return the minimum detectable effect of such a session (80 % power) as a sentence.

    `spread` is the standard deviation of a block's change, 0.01 for 1 %. The sentence is for the policy's margin.
    """
    found = detectable_share(plan, spread, policy)
    margin = f"margin {policy.margin_percent:g} %"
    if found is None:
        return f"With a spread of {spread:.2%} between blocks no effect is detectable ({margin})"
    return (
        f"With a spread of {spread:.2%} between blocks the minimum detectable effect is +{significant(found * 100)} % "
        f"(80 % power, {margin})"
    )


def detectable_share(plan: SessionPlan, spread: float, policy: Policy) -> float | None:
    """Return the plan's minimum detectable effect (80 % power), as a share; None if no effect is detectable."""
    margin = math.log1p(policy.margin_percent / 100)
    found = power.detectable(plan.confirm_blocks, spread, policy.alpha_percent / 100, margin)
    return None if found is None else math.expm1(found)


def _fitting(budget_s: float, seconds_per_block: float) -> int:
    return int(min(budget_s / max(seconds_per_block, 1e-9), power.MOST_BLOCKS))


def _of(blocks: int) -> SessionPlan:
    """Return a plan of `blocks` in all: three parts of screen and four of confirmation, the rest extends.

    A session of the standard size or larger keeps the standard's shares.
    """
    scale = max(1.0, blocks / _STANDARD_BLOCKS)
    most_screen, most_confirm = int(_STANDARD.screen_blocks * scale), int(_STANDARD.confirm_blocks * scale)
    screen = min(most_screen, max(LEAST_SCREEN_BLOCKS, blocks * 3 // 7), blocks)
    confirm = min(most_confirm, blocks - screen)
    return SessionPlan(
        screen_blocks=screen,
        extended_blocks=blocks - confirm,
        confirm_blocks=confirm,
        confirm_blocks_of_many=math.ceil(
            confirm * _STANDARD.confirm_blocks_of_many / _STANDARD.confirm_blocks
        ),
        load_blocks=screen,
    )


def _least_blocks() -> int:
    return LEAST_SCREEN_BLOCKS + fewest(1 - 2 * NULL_ALPHA)
