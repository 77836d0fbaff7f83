"""Move the times of rows to another time zero."""

import numpy as np

from harness.model import Outcome
from harness.table.calls import Table

_WHEN_SENT = ("intended_ns", "dispatched_ns")
_WHEN_RETURNED = ("entered_ns", "completed_ns")


def move(rows: Table, offset_ns: int) -> None:
    """Add `offset_ns` to the times of `rows` in place; a call that has not returned has no later times yet."""
    for name in _WHEN_SENT:
        rows[name] += offset_ns
    move_returns(rows, offset_ns)


def move_returns(rows: Table, offset_ns: int) -> None:
    """Add `offset_ns` to the times that a call gets when it returns, in place."""
    returned = rows["outcome"] != np.uint8(Outcome.UNFINISHED)
    for name in _WHEN_RETURNED:
        rows[name][returned] += offset_ns
