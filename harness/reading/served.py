"""Compute how well a run served its plan: failed and lost calls, the rate achieved, saturated back ends."""

from harness.model import Outcome
from harness.policy.thresholds import Thresholds
from harness.reading.lost import LOST
from harness.reading.summary import RunSummary
from harness.run.documents import BackendFacts

# Below this share of the target rate a run did not keep up.
_KEPT_UP = 0.95
_BAD_ERRORS = 0.01
_ENDED_BADLY = tuple(outcome for outcome in Outcome if outcome.returned and outcome is not Outcome.COMPLETED)


def failed_calls(run: RunSummary) -> int:
    """Return the number of calls that returned without a result."""
    return sum(run.total.outcomes[outcome.label] for outcome in _ENDED_BADLY)


def error_share(run: RunSummary) -> float | None:
    """Return the share of failed and timed-out calls among those that returned."""
    return failed_calls(run) / run.total.count if run.total.count else None


def has_bad_errors(run: RunSummary) -> bool:
    """Return true if the share of failed calls is too high for a healthy run."""
    return (error_share(run) or 0) > _BAD_ERRORS


def unexplained_failures(run: RunSummary) -> int:
    """Return the number of failed calls without a reason because the measured process died first."""
    told = sum(one.count for one in run.facts.failures) if run.facts else 0
    return max(failed_calls(run) - told, 0)


def unserved_share(run: RunSummary) -> float | None:
    """Return the share of the plan without a response: dropped, unfinished, never started."""
    lost = sum(run.total.outcomes[outcome.label] for outcome in LOST)
    return lost / run.planned if run.planned else None


def lost_count(run: RunSummary) -> int:
    """Return the number of planned calls without a response; after an interruption only those dropped before it."""
    outcomes = run.total.outcomes
    return outcomes["dropped"] if run.document.interrupted else sum(outcomes[how.label] for how in LOST)


def planned_rate(run: RunSummary) -> float | None:
    """Return the target rate per second; None in the closed model, which plans no arrivals."""
    plan = run.document.plan
    return run.planned / plan.duration_s if plan.executor == "open" and plan.duration_s else None


def kept_up(run: RunSummary) -> bool:
    """Return true if calls completed about as fast as planned."""
    planned = planned_rate(run)
    return planned is None or run.throughput_per_s >= _KEPT_UP * planned


def used_share(facts: BackendFacts) -> float | None:
    """Return the demand on a back end as a share of its capacity; None where either is unknown."""
    if not facts.ceiling_per_s or facts.achieved_per_s is None:
        return None
    return facts.achieved_per_s / facts.ceiling_per_s


def is_saturated(facts: BackendFacts, thresholds: Thresholds | None) -> bool:
    """Return true if the demand on a back end exceeded its capacity without queueing, by the thresholds of the run."""
    return (used_share(facts) or 0) > (thresholds or Thresholds()).backend_share
