"""Compare times of many frames, measured (not sampled) in one run a side.

No sampling error blurs such a time, but the next run of identical code waits for another time: one after the other on a shared
two-core machine, two runs differed by 26 % (standard deviation). So only a factor of 1.5, about twice that as logarithms,
gets a colour. It is a rule of thumb and no test, and a smaller factor is not called "same".
"""

import dataclasses

import numpy as np

from harness.profiles.difference.counts import Compared, Counts, compare_counted
from harness.profiles.difference.finding import STRICT, Finding, Strictness

CAUTION = 1.5
_LEAST_SHARE = 0.001
"""Minimum share of the longest time on either side: smaller times get no colour, whatever their factor."""


def compare_timed(before: Counts, after: Counts, strict: Strictness = STRICT) -> Compared:
    """Compare as `compare_counted`; with fewer than `strict.least_runs` runs a side, a factor below `CAUTION` is undecided."""
    compared = compare_counted(before, after, strict)
    if min(before.runs, after.runs) >= strict.least_runs:
        return compared
    larger = np.maximum(compared.before, compared.after)
    differs = (larger >= CAUTION * np.minimum(compared.before, compared.after)) & (larger > 0)
    differs &= larger >= _LEAST_SHARE * larger.max(initial=0)
    findings = [Finding.DIFFERS if found else Finding.CANNOT_TELL for found in differs]
    return dataclasses.replace(compared, findings=findings)
