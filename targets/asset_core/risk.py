"""Compute the risk score of an asset.

`100 * (1 - product(1 - cvss / 10 * w))` over its open risks, rounded to two decimals: independent chances of intrusion,
each weighted by the exploitability of the finding.
"""

import math
from collections.abc import Iterable

from targets.asset_core.model import Risk

WEIGHTS = {"known_exploited": 1.0, "proof_of_concept": 0.6, "none": 0.3}
"""Weights by exploitability."""

SCORED_STATUS = "open"


def weight_of(risk: Risk) -> float:
    """Return the probability, 0 to 1, of a risk; an unknown exploitability counts as `none`."""
    return min(max(risk.cvss, 0.0), 10.0) / 10.0 * WEIGHTS.get(risk.exploitability, WEIGHTS["none"])


def risk_score(risks: Iterable[Risk]) -> float:
    """Return the score from 0 (no open risk) to 100."""
    untouched = math.prod(1.0 - weight_of(risk) for risk in risks if risk.status == SCORED_STATUS)
    return round(100.0 * (1.0 - untouched), 2)
