"""Count what dependent trials tell: the calls of a queue exceed a limit together, so ten thousand tell as much as a few hundred.

The trials are divided into stretches of time. Where these differ more than independent trials would, the design effect
(Kish 1965) says by how much the variance of the share is larger, and so by how much the number of trials is worth less.
Within a stretch any dependence is allowed; between stretches there must be little.
"""

import dataclasses
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

from harness.stats.student import student_quantile

_NORMAL = NormalDist()
_ONE_SIDED = 0.95
_CAUTION = 0.85


class Stretch(NamedTuple):
    """The trials of one stretch of time, and the successes among them."""

    trials: int
    successes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """The design effect of a share: n trials tell as much as n / `effect` independent ones.

    `effect` is the estimate with the correction of Korn and Graubard (1998) for its degrees of freedom. `cautious` is
    at least that, and its upper bound with 85 % confidence where the stretches differ beyond chance: a sample whose
    share reads low shows few clusters, and so its design effect reads low as well. `plain` is uncorrected, and `variance`
    that of the number of successes.
    """

    effect: float
    cautious: float
    plain: float
    variance: float
    is_clustered: bool


def spread(stretches: Sequence[Stretch]) -> Spread:
    """Return the design effect of the share of successes, from how `stretches` differ.

    They may have unequal numbers of trials: the variance is that of a ratio (Cochran 1977, 6.3). Those without a trial
    are left out; fewer than two tell no effect: infinite.
    """
    parts = [one for one in stretches if one.trials]
    if len(parts) < 2:
        return Spread(math.inf, math.inf, math.inf, 0.0, is_clustered=False)
    trials, freedom = sum(one.trials for one in parts), len(parts) - 1
    share = sum(one.successes for one in parts) / trials
    deviations = [one.successes - share * one.trials for one in parts]
    squares = len(parts) / freedom * sum(z * z for z in deviations)
    independent = trials * share * (1 - share)
    raw = squares / independent if independent > 0 else 1.0
    corrected = max(1.0, raw) * (student_quantile(0.9, freedom) / _NORMAL.inv_cdf(_ONE_SIDED)) ** 2
    if raw * freedom <= chi_square_quantile(_ONE_SIDED, freedom):
        return Spread(corrected, corrected, raw, squares, is_clustered=False)
    known = min(float(freedom), _freedom(deviations))
    bound = raw * known / chi_square_quantile(1 - _CAUTION, known)
    return Spread(corrected, max(corrected, bound), raw, squares, is_clustered=True)


def _freedom(deviations: Sequence[float]) -> float:
    """Return the degrees of freedom of a sum of squares, from the kurtosis of its terms (Satterthwaite 1946).

    A variance that rests on one or two large clusters is known far worse than its number of stretches says.
    """
    squares = sum(z**2 for z in deviations)
    kurtosis = len(deviations) * sum(z**4 for z in deviations) / squares**2
    return 2 * len(deviations) / max(kurtosis - 1, 1e-9)


def chi_square_quantile(share: float, freedom: float) -> float:
    """Return the quantile of the chi-square distribution (Wilson and Hilferty 1931): within 1 % from 5 degrees on.

    Below, quantiles under the median come out too small, which makes a bound of a variance too wide, never too narrow.
    """
    spread_of_root = math.sqrt(2 / (9 * freedom))
    root = 1 - 2 / (9 * freedom) + _NORMAL.inv_cdf(share) * spread_of_root
    return max(freedom * root**3, 1e-9 * freedom)
