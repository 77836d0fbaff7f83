"""Fit sessions into a budget; the refusal of a budget that is too small names one that would do."""

import contextlib
import math
from collections.abc import Iterator

from harness.errors import UsageError
from harness.judge.plan import least_blocks, load_plan, session_plan
from harness.policy.policy import Policy
from harness.session.allowance import END_S, RESERVE, Allowance
from harness.session.load.blocks import load_session_seconds, probe_seconds
from harness.session.receipt import SessionPlan
from harness.session.slots.sizing import Discovery
from harness.stats.power import MOST_BLOCKS
from harness.units import format_duration

_SERVERS_S = 15.0
"""Time to start embedded servers and fill them, on a small machine."""
CHANGED = 0.1
"""Share of the benchmarks of a suite that the least budget leaves room to confirm."""
_ROUNDING = 1 + 1e-9
"""Factor against rounding: a named budget must have room for all of the blocks when it is divided again."""


def plan_within(
    budget_s: float | None,
    block_s: float,
    policy: Policy,
    benchmarks: int,
    share: float = 1.0,
    beside_s: float = 0.0,
    confirm_s: float | None = None,
) -> SessionPlan:
    """Return the plan of the micro suite, which gets `share` of the budget, at `block_s` for a block with all `benchmarks`.

    `confirm_s` is the time of a block of the confirmation, which has the changed benchmarks alone (default: `block_s`). A
    session whose blocks do not fit in the end is cut by its pace. `beside_s` is the part of the share that is needed beside blocks: time already passed, and other measurements. Raises
    `UsageError` where no verdict is possible, with the smallest sufficient budget if there is one.
    """
    least, confirm = least_blocks(policy)
    fewest_s = least * block_s + confirm * (block_s if confirm_s is None else min(confirm_s, block_s))
    with _naming_the_budget(budget_s, fewest_s, policy, share, beside_s):
        mean_s = fewest_s / (least + confirm)
        return session_plan(_for_blocks_s(budget_s, share, beside_s), mean_s, policy, benchmarks)


def confirming_s(found: Discovery) -> float:
    """Return the time of a block in which a tenth of the benchmarks is confirmed, those that take longest, in seconds."""
    plan = SessionPlan()
    by_time = sorted(found.comparable, key=lambda name: found.block_s(plan, [name]), reverse=True)
    return found.block_s(plan, by_time[: math.ceil(CHANGED * len(by_time))])


def load_plan_within(
    budget_s: float | None, block_s: float, policy: Policy, share: float = 1.0, beside_s: float = 0.0
) -> SessionPlan:
    """Return the plan of the load suite, as above."""
    with _naming_the_budget(budget_s, sum(least_blocks(policy)) * block_s, policy, share, beside_s):
        return load_plan(_for_blocks_s(budget_s, share, beside_s), block_s, policy)


def _for_blocks_s(budget_s: float | None, share: float, beside_s: float) -> float | None:
    return None if budget_s is None else max(0.0, budget_s * share - beside_s)


@contextlib.contextmanager
def _naming_the_budget(
    budget_s: float | None, fewest_s: float, policy: Policy, share: float, beside_s: float
) -> Iterator[None]:
    """Give the refusal of a budget the smallest one that is sufficient for the fewest blocks, which take `fewest_s`."""
    try:
        yield
    except UsageError as error:
        if budget_s is None or sum(least_blocks(policy)) > MOST_BLOCKS:
            raise
        needed_s = RESERVE * (fewest_s + beside_s) / share
        needed = format_duration(math.ceil(needed_s * _ROUNDING))
        remedy = f"Give a budget of at least {needed}, or fewer benchmarks"
        raise UsageError(error.what, where=error.where, remedy=remedy) from None


def require_room_for_load(
    budget_s: float | None, policy: Policy, share: float, times_s: tuple[float, float], *, has_servers: bool
) -> None:
    """Raise `UsageError`, before any measurement, if load blocks of (duration, warm-up) do not fit their share."""
    block_s, _ = load_session_seconds(SessionPlan(load_blocks=1), *times_s)
    beside_s = probe_seconds() + END_S + (_SERVERS_S if has_servers else 0.0)
    load_plan_within(budget_s, block_s, policy, share, beside_s)


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
