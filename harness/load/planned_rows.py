"""Read the plan of an open run column by column."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Self

from harness.table.calls import Table
from harness.table.pieces import give_back


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedRows:
    """The columns of the plan; times count from time zero of the table."""

    intended_ns: Sequence[int]
    operation: Sequence[int]
    payload: Sequence[int]
    give_back: Callable[[], None] = lambda: None
    """Function that unmaps the pages already read from the file behind the columns."""

    @classmethod
    def of(cls, table: Table) -> Self:
        """Return the columns of a mapped table without copying: a copy would take memory in proportion to the table."""
        intended_ns, operation, payload = (
            table[name].data for name in ("intended_ns", "operation", "payload")
        )
        return cls(intended_ns, operation, payload, functools.partial(give_back, table))
