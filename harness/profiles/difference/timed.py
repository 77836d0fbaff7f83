"""Compare times of many frames, measured and not sampled: waits.

No sampling error blurs such a time, but the next run of identical code waits for another time: one after the other on a shared
two-core machine, two runs differed by 26 % (standard deviation). With several interleaved runs a side, frames are tested
by a moderated t on logarithms. With one run a side only a factor of 1.5, about twice that as logarithms, gets a colour:
a rule of thumb and no test, and a smaller factor is not called "same".
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from harness.profiles.difference.counts import Compared, Counts, compare_counted, runs_agree
from harness.profiles.difference.discovery import Floats, benjamini_hochberg, two_sided_p
from harness.profiles.difference.finding import STRICT, Finding, Strictness
from harness.profiles.difference.moderated import moderate
from harness.stats.student import student_quantile

CAUTION = 1.5
_LEAST_SHARE = 0.001
"""Minimum share of the longest time on either side: smaller times get no colour, whatever their factor."""


def compare_timed(before: Counts, after: Counts, strict: Strictness = STRICT) -> Compared:
    """Compare times; with fewer than `strict.least_runs` runs a side, a factor below `CAUTION` is undecided.

    With as many, a frame has changed where the false discovery rate of its t allows it, its runs differ by rank too and
    its interval is without zero.
    """
    larger = np.maximum(before.rates, after.rates)
    least = _LEAST_SHARE * larger.max(initial=0)
    is_long = (larger >= least) & (larger > 0)
    if min(before.runs, after.runs) >= strict.least_runs:
        return _compare_runs(before, after, is_long, least, strict)
    differs = is_long & (larger >= CAUTION * np.minimum(before.rates, after.rates))
    findings = [Finding.DIFFERS if found else Finding.CANNOT_TELL for found in differs]
    return dataclasses.replace(compare_counted(before, after, strict), findings=findings)


def _compare_runs(
    before: Counts, after: Counts, is_long: NDArray[np.bool_], least: float, strict: Strictness
) -> Compared:
    """Test the long times. `least` is added to all of them: a wait of 0 has no logarithm, and what is short no factor."""
    compared = compare_counted(before, after, strict)
    t, discovery = np.zeros(len(is_long)), np.full(len(is_long), np.nan)
    low, high = compared.low.copy(), compared.high.copy()
    if is_long.any():
        one, two = (side.at(np.flatnonzero(is_long)) for side in (before, after))
        found = moderate(*(np.log(side.counts / side.exposures + least) for side in (one, two)))
        t[is_long] = found.t
        discovery[is_long] = benjamini_hochberg(two_sided_p(found.t, found.freedom))
        reach = student_quantile(strict.confidence, found.freedom) * found.error
        low[is_long], high[is_long] = _interval(one.rates + least, two.rates + least, reach)
    change, larger = after.rates - before.rates, np.maximum(before.rates, after.rates)
    is_found = np.nan_to_num(discovery, nan=1.0) <= strict.false_discovery
    is_found &= (np.abs(change) >= strict.least_effect * larger) & runs_agree(before, after)
    is_found &= ((low > 0) & (t > 0)) | ((high < 0) & (t < 0))
    is_same = is_long & (np.maximum(np.abs(low), np.abs(high)) <= strict.least_effect * larger)
    findings = [
        Finding.CHANGED if found else Finding.SAME if same else Finding.CANNOT_TELL
        for found, same in zip(is_found, is_same, strict=True)
    ]
    return dataclasses.replace(compared, low=low, high=high, discovery=discovery, findings=findings)


def _interval(before: Floats, after: Floats, reach: Floats) -> tuple[Floats, Floats]:
    """Return the interval of after less before whose logarithm of after / before is uncertain by `reach`.

    The geometric mean of both is held: so swapped sides change the signs and nothing else.
    """
    level = 2 * np.sqrt(before * after)
    half = np.log(after / before) / 2
    return level * np.sinh(half - reach / 2), level * np.sinh(half + reach / 2)
