"""Move time zero of a table that is still being written."""

import numpy as np

from harness.model import Outcome
from harness.table.calls import DTYPE, HEADER_BYTES, ROW_BYTES
from harness.table.moving import move, move_returns
from harness.table.recorder import Recorder


def move_all(recorder: Recorder, offset_ns: int) -> list[int]:
    """Add `offset_ns` to all times of the table, and return the rows of calls in flight, which get more times later."""
    # The map cannot grow while a view of it exists: the view ends with this function.
    rows = np.frombuffer(recorder.map, DTYPE, count=recorder.tail[0], offset=HEADER_BYTES)
    in_flight: list[int] = np.flatnonzero(rows["outcome"] == Outcome.UNFINISHED).tolist()
    move(rows, offset_ns)
    return in_flight


def move_back(recorder: Recorder, row: int, offset_ns: int) -> None:
    """Add `offset_ns` to the times that the call of one row got when it returned."""
    rows = np.frombuffer(recorder.map, DTYPE, count=1, offset=HEADER_BYTES + row * ROW_BYTES)
    move_returns(rows, offset_ns)
