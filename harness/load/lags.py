"""Count how late a loop was, in memory that does not grow with the run."""

import itertools
from collections import Counter

from harness.run.client_facts import LoopLag

# Lags are told apart to one part in 256.
_BITS = 9


class Lags:
    """The lags of a loop, in ns."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was before."""
        self._counts: Counter[int] = Counter()
        self._max_ns = 0

    def add(self, late_ns: int) -> None:
        """Count a lag."""
        step = max(late_ns.bit_length() - _BITS, 0)
        self._counts[late_ns >> step << step] += 1
        self._max_ns = max(self._max_ns, late_ns)

    def found(self) -> LoopLag:
        """Return the percentiles, at most 0.4 % below the exact ones, and the exact maximum."""
        lags = sorted(self._counts)
        below = list(itertools.accumulate(self._counts[lag] for lag in lags))
        if not lags:
            return LoopLag()

        def percentile(percent: int) -> int:
            return next(
                lag for lag, count in zip(lags, below, strict=True) if count * 100 >= percent * below[-1]
            )

        return LoopLag(beats=below[-1], p50_ns=percentile(50), p99_ns=percentile(99), max_ns=self._max_ns)
