"""Describe the work and the overhead of profilers."""

from collections.abc import Mapping
from typing import Any

from harness.profiles.facts import CpuFacts, MemoryFacts
from harness.units import format_percent


def overhead_words(facts: CpuFacts) -> str:
    """Return the overhead of sampling and its budget as a sentence; empty where it was not measured."""
    cost, low, high = facts.overhead_share, facts.overhead_low_share, facts.overhead_high_share
    budget = facts.overhead_budget_share
    if cost is None or low is None or high is None or budget is None:
        return ""
    kept = "more than" if low > budget else "within" if high <= budget else "not certainly within"
    return (
        f"sampling its stacks {facts.rate_asked_hz} times a second cost {format_percent(cost)} of the time"
        f" ({format_percent(low)} to {format_percent(high)}), {kept} the budget of {format_percent(budget)}"
    )


def elsewhere_words(
    facts: MemoryFacts, environment: Mapping[str, Any], who: str = "threads, greenlets or tasks"
) -> str:
    """Return a sentence on the part of the target's allocations that no operation includes; empty where it is negligible."""
    share = facts.elsewhere_share
    if share is None:
        return ""
    is_old = str(environment.get("python", "")).startswith("CPython 3.11.")
    tasks = ", or by coroutines that caught a cancellation, which Python 3.11 hides" if is_old else ""
    return (
        f"{format_percent(share)} of the target's allocations were made outside of calls, by {who} that"
        f" serve no call{tasks}: no operation includes them"
    )


def is_within_budget(facts: CpuFacts) -> bool:
    """Return True if the cost of sampling is certainly within its budget."""
    high, budget = facts.overhead_high_share, facts.overhead_budget_share
    return high is not None and budget is not None and high <= budget
