"""A recorded trace: the times of calls, and their operations. Pure; `harness.run.replay` reads one from a file or run."""

import dataclasses
from typing import Self

import numpy as np
import numpy.typing as npt

from harness.clock import NS_PER_S
from harness.errors import UsageError
from harness.units import format_s

Times = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Sorted arrivals in ns from its start; `operation` numbers `names`, and both are empty if none were recorded.

    `name` is its source, for people and for `run.json`.
    """

    name: str
    times_ns: Times
    duration_s: float
    operation: npt.NDArray[np.int64]
    names: tuple[str, ...] = ()

    @property
    def rate_per_s(self) -> float:
        """The mean rate."""
        return len(self.times_ns) / self.duration_s

    @property
    def peak_per_s(self) -> float:
        """The largest number of arrivals in any second, counted from its start: at least the mean rate."""
        return max(float(np.bincount(self.times_ns // NS_PER_S).max()), self.rate_per_s)

    @property
    def mix(self) -> dict[str, float]:
        """The operations with the number of arrivals of each, in the order of their first arrival."""
        counts = np.bincount(self.operation, minlength=len(self.names))
        return {name: float(count) for name, count in zip(self.names, counts, strict=True)}

    def at_rate(self, rate_per_s: float) -> Self:
        """Return the trace played faster or slower: every gap is scaled by the same factor."""
        factor = self.rate_per_s / rate_per_s
        duration_s = self.duration_s * factor
        last_ns = max(round(duration_s * NS_PER_S) - 1, 0)
        times_ns = np.minimum(np.rint(self.times_ns * factor).astype(np.int64), last_ns)
        return dataclasses.replace(self, times_ns=times_ns, duration_s=duration_s)

    def first(self, duration_s: float) -> Self:
        """Return the beginning of the trace, with the operations in it.

        Raises `UsageError` if the trace is shorter, or has no arrival in that time.
        """
        if duration_s > self.duration_s * (1 + 1e-9):
            raise UsageError(
                f"The trace lasts {format_s(self.duration_s)}, shorter than the requested {format_s(duration_s)}",
                remedy="Leave out --duration, or play it slower with --rate",
            )
        count = int(np.searchsorted(self.times_ns, round(duration_s * NS_PER_S)))
        if not count:
            raise UsageError(
                f"The trace has no arrivals in its first {format_s(duration_s)}", remedy="Raise --duration"
            )
        operation, names = self.operation[:count], self.names
        if names:
            kept, operation = np.unique(operation, return_inverse=True)
            names = tuple(names[number] for number in kept)
        return dataclasses.replace(
            self, times_ns=self.times_ns[:count], duration_s=duration_s, operation=operation, names=names
        )
