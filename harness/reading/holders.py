"""Find what blocked the event loop while the calls of each operation waited for it."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from harness.reading.engines import words_of
from harness.reading.summary import RunSummary


@dataclasses.dataclass(frozen=True, slots=True)
class Holders:
    """Causes of a blocked event loop, the longest first, with the ns by waiting operation."""

    names: tuple[str, ...]
    waited_ns: Mapping[str, tuple[int, ...]]


def holders(run: RunSummary) -> Holders | None:
    """Return what blocked the event loop; None where the split was off or no call waited."""
    matrix = run.held_by
    if matrix is None or not matrix.any():
        return None
    order = [
        int(column) for column in np.argsort(-matrix.sum(axis=0), kind="stable") if matrix[:, column].any()
    ]
    names = (*run.operations, *words_of(run).blockers)
    return Holders(
        tuple(names[column] for column in order),
        {
            name: tuple(int(row[column]) for column in order)
            for (name, operation), row in zip(run.operations.items(), matrix, strict=True)
            if operation.count and row.any()
        },
    )
