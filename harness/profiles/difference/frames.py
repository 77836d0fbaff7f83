"""Compare functions of two profiles by operation: one row for each, with its self and total weight."""

import dataclasses
import functools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from harness.profiles.difference.counts import Compared, Counts, compare_counted, compare_sampled
from harness.profiles.difference.discovery import Floats
from harness.profiles.difference.finding import STRICT, Finding, Strictness
from harness.profiles.difference.timed import compare_timed
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.profiles.stacks.weighted import by_callers

SAMPLED = "samples"
"""The unit of sampled weights; every other unit is counted or measured."""
TIMED = "ns"
"""The unit of measured times, which vary from run to run as any time does."""

Key = tuple[str, str]
"""(operation or other root, frame)."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProfiledRun:
    """A profile, the requests of each operation behind it, and the size of one unit of weight.

    `per_weight` is 1 for counts, and the ns between two samples for samples: then weights are ns per request.
    """

    profile: Profile
    requests: Mapping[str, float]
    per_weight: float = 1.0

    def exposure(self, root: str) -> float:
        """Return the divisor for weights under `root`: the requests of its operation, or all of them."""
        operation = root.removeprefix(MARKER_PREFIX)
        requests = self.requests.get(operation) if root.startswith(MARKER_PREFIX) else None
        return max(requests or sum(self.requests.values()), 1) / self.per_weight


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One weight on both sides, per request; `low` to `high` is the interval of after less before."""

    before: float
    after: float
    low: float
    high: float
    samples: float
    finding: Finding

    @property
    def change(self) -> float:
        """Weight after less weight before."""
        return self.after - self.before


@dataclasses.dataclass(frozen=True, slots=True)
class FrameChange:
    """One function of one operation: `own` is its self weight (as a leaf), `whole` its total with all that it calls."""

    operation: str
    frame: str
    own: Change
    whole: Change


def compare_frames(
    before: Sequence[ProfiledRun], after: Sequence[ProfiledRun], strict: Strictness = STRICT
) -> tuple[FrameChange, ...]:
    """Return every function of every root that any run has, the largest change of self weight first.

    Each side is one run, or several interleaved with the other side's. Raises ValueError for no run on a side or
    different units. Self and total weights are tested as two families, and stacks outside of operations apart from both.
    """
    runs = [*before, *after]
    units = {run.profile.unit for run in runs}
    if len(units) != 1 or not before or not after:
        raise ValueError(f"both sides need a profile of one unit, not {sorted(units)}")
    weights = [_by_operation(run.profile) for run in runs]
    keys = sorted({key for found in weights for key in found})
    exposures = _exposures(runs, [root for root, _ in keys])
    compare = functools.partial(
        compare_apart,
        runs[0].profile.unit,
        of_operations=[root.startswith(MARKER_PREFIX) for root, _ in keys],
        strict=strict,
    )
    own, whole = (_compare(weights, keys, exposures, len(before), which, compare) for which in (0, 1))
    rows = [
        FrameChange(root.removeprefix(MARKER_PREFIX), frame, first, second)
        for (root, frame), first, second in zip(keys, own, whole, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: (-abs(row.own.change), -abs(row.whole.change))))


def comparing(unit: str) -> Callable[[Counts, Counts, Strictness], Compared]:
    """Return the function that compares weights of a unit."""
    return {SAMPLED: compare_sampled, TIMED: compare_timed}.get(unit, compare_counted)


def compare_apart(
    unit: str, before: Counts, after: Counts, *, of_operations: Sequence[bool], strict: Strictness = STRICT
) -> Compared:
    """Compare the work of operations and that of the harness and others as two families.

    Starting up and driving differ far more from run to run than requests do: in one family with them, no change of a
    request would be found. The dispersion is that of the operations.
    """
    mask = np.array(of_operations, dtype=bool)
    places = (np.flatnonzero(mask), np.flatnonzero(~mask))
    parts = [comparing(unit)(before.at(rows), after.at(rows), strict) for rows in places]
    order = np.argsort(np.concatenate(places))
    findings = [finding for part in parts for finding in part.findings]

    def joined(column: str) -> Floats:
        return np.concatenate([getattr(part, column) for part in parts])[order]

    return Compared(
        joined("before"), joined("after"), joined("low"), joined("high"), joined("samples"), joined("discovery"),
        [findings[place] for place in order], parts[0].dispersion,
    )  # fmt: skip


def changes_of(compared: Compared) -> Iterator[Change]:
    """Return the rows of a comparison as records."""
    columns = (compared.before, compared.after, compared.low, compared.high, compared.samples)
    before, after, low, high, samples = (column.tolist() for column in columns)
    return map(Change, before, after, low, high, samples, compared.findings)


def _compare(
    weights: Sequence[Mapping[Key, list[float]]],
    keys: Sequence[Key],
    exposures: np.ndarray,
    split: int,
    which: int,
    compare: Callable[[Counts, Counts], Compared],
) -> Iterator[Change]:
    nothing = [0.0, 0.0]
    counts = np.array([[found.get(key, nothing)[which] for found in weights] for key in keys], dtype=float)
    counts = counts.reshape(len(keys), len(weights))
    sides = (
        Counts(counts[:, :split], exposures[:, :split]),
        Counts(counts[:, split:], exposures[:, split:]),
    )
    return changes_of(compare(*sides))


def _exposures(runs: Sequence[ProfiledRun], roots: Sequence[str]) -> np.ndarray:
    by_root = {root: [run.exposure(root) for run in runs] for root in set(roots)}
    return np.array([by_root[root] for root in roots], dtype=float).reshape(len(roots), len(runs))


def _by_operation(profile: Profile) -> dict[Key, list[float]]:
    """Return (self, total) weight by root and frame; recursion counts once, a stack of its root alone belongs to the root."""
    rows: dict[Key, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for callers, leaves in by_callers(profile.stacks).items():
        root, above = callers[0] if callers else "", set(callers[1:])
        weight = sum(leaves.values())
        for name in above:
            rows[root, name][1] += weight
        for leaf, weight in leaves.items():
            row = rows[root if callers else leaf, leaf]
            row[0] += weight
            if leaf not in above:
                row[1] += weight
    return dict(rows)
