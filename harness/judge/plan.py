"""Set the most blocks of a session before it begins, and compute its minimum detectable effect."""

import math

import msgspec

from harness.errors import UsageError
from harness.judge.candidates import design_of
from harness.judge.policy_file import refuse_unreachable
from harness.policy.policy import Policy
from harness.session.receipt import Rule, SessionPlan
from harness.stats import power
from harness.stats.sequential import fewest_pairs
from harness.units import format_duration, significant

_STANDARD = SessionPlan()
_STANDARD_BLOCKS = _STANDARD.screen_blocks + _STANDARD.confirm_blocks
_STANDARD_LOAD_BLOCKS = _STANDARD.load_blocks + _STANDARD.load_confirm_blocks


def session_plan(
    budget_s: float | None, seconds_per_block: float, policy: Policy, benchmarks: int
) -> SessionPlan:
    """Return the plan of the micro suite within `budget_s`; the standard one without a budget.

    `seconds_per_block` is for a block with all `benchmarks`. A sequential session mostly ends before its budget does. Raises
    `UsageError` where the budget has too few blocks for a verdict, or the plan could not reach its own alpha.
    """
    plan = standard_plan(policy)
    if budget_s is not None:
        blocks, least, confirm = _within(budget_s, seconds_per_block, policy)
        if plan.rule is Rule.SEQUENTIAL:
            plan = _of(blocks, least, confirm)
    # Equally strong changes help one another in a sequential session; a fixed one divides its alpha.
    refuse_unreachable(plan, policy, max(benchmarks, 1) if plan.rule is Rule.FIXED else 1)
    return plan


def load_plan(budget_s: float | None, seconds_per_block: float, policy: Policy) -> SessionPlan:
    """Return the plan of the load suite within `budget_s`, as above. The number of its screen's blocks is always fixed."""
    plan = standard_plan(policy)
    if budget_s is not None:
        blocks, least, confirm = _within(budget_s, seconds_per_block, policy)
        if plan.rule is Rule.SEQUENTIAL:
            plan = _load_of(plan, blocks, least, confirm)
    refuse_unreachable(plan, policy)
    return plan


def standard_plan(policy: Policy) -> SessionPlan:
    """Return the plan without a budget: blocks until the evidence decides, or the policy's fixed number."""
    if policy.blocks is None:
        return _STANDARD
    return SessionPlan(
        rule=Rule.FIXED,
        screen_blocks=policy.blocks,
        confirm_blocks=policy.blocks,
        load_blocks=policy.blocks,
        load_confirm_blocks=policy.blocks,
    )


def least_blocks(policy: Policy) -> tuple[int, int]:
    """Return the fewest blocks of the screen, and of a confirmation of one benchmark, that make a verdict possible."""
    if policy.blocks is not None:
        return policy.blocks, policy.blocks
    return _STANDARD.least_blocks, fewest_pairs(100 / policy.alpha_percent)


def what_it_detects(plan: SessionPlan, spread: float, policy: Policy, benchmarks: int = 1) -> str:
    """Return the minimum detectable effect of such a session (80 % power) as a sentence.

    `spread` is the standard deviation of a block's change, 0.01 for 1 %. The sentence is for the policy's margin, and for a
    change of one benchmark, or of all `benchmarks`.
    """
    found = detectable_share(plan, spread, policy)
    margin = f"margin {policy.margin_percent:g} %"
    if found is None:
        return f"With a spread of {spread:.2%} between blocks no effect is detectable ({margin})"
    of_all = detectable_share(plan, spread, policy, benchmarks)
    more = f", +{significant(of_all * 100)} % if all {benchmarks} change" if of_all and benchmarks > 1 else ""
    return (
        f"With a spread of {spread:.2%} between blocks the minimum detectable effect is +{significant(found * 100)} %{more} "
        f"(80 % power, {margin})"
    )


def detectable_share(plan: SessionPlan, spread: float, policy: Policy, candidates: int = 1) -> float | None:
    """Return the plan's minimum detectable effect (80 % power), as a share; None if no effect is detectable."""
    margin = math.log1p(policy.margin_percent / 100)
    alpha = policy.alpha_percent / 100 / max(1, candidates)
    found = power.detectable(design_of(plan.rule, plan.confirm_blocks, alpha), spread, margin)
    return None if found is None else math.expm1(found)


def _of(blocks: int, least: int, confirm: int) -> SessionPlan:
    """Return a sequential plan for a budget of `blocks`, of which a screen needs `least` and a confirmation `confirm`.

    The parts may overlap: a screen that ends early leaves its blocks to the confirmation.
    """
    scale = max(1.0, blocks / _STANDARD_BLOCKS)
    return SessionPlan(
        screen_blocks=min(int(_STANDARD.screen_blocks * scale), blocks - confirm),
        confirm_blocks=min(int(_STANDARD.confirm_blocks * scale), blocks - least),
    )


def _load_of(plan: SessionPlan, blocks: int, least: int, confirm: int) -> SessionPlan:
    """Return the plan with load blocks for a budget of `blocks`: those of the screen are all made."""
    scale = max(1.0, blocks / _STANDARD_LOAD_BLOCKS)
    screen = max(least, min(int(plan.load_blocks * scale), blocks - confirm))
    most = min(int(plan.load_confirm_blocks * scale), blocks - screen)
    return msgspec.structs.replace(plan, load_blocks=screen, load_confirm_blocks=most)


def _within(budget_s: float, seconds_per_block: float, policy: Policy) -> tuple[int, int, int]:
    """Return the number of blocks that fit, and the fewest of a screen and of a confirmation; refuse fewer than both."""
    blocks = int(min(budget_s / max(seconds_per_block, 1e-9), power.MOST_BLOCKS))
    least, confirm = least_blocks(policy)
    if least + confirm > power.MOST_BLOCKS:
        raise UsageError(
            f"An alpha-percent of {policy.alpha_percent:g} takes more blocks than any budget has room for",
            remedy="Set a larger alpha-percent",
        )
    if blocks < least + confirm:
        needed = format_duration(math.ceil((least + confirm) * seconds_per_block))
        raise UsageError(
            f"The budget has room for {blocks} of the {least + confirm} blocks that a session needs for a verdict",
            remedy=f"Give it a budget of at least {needed}, or fewer benchmarks",
        )
    return blocks, least, confirm
