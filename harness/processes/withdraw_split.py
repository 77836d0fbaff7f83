"""Remove the split from the records of a process, where another tool took the switch hook in the middle of the run."""

from pathlib import Path

import numpy as np

from harness.model import Outcome
from harness.profiles.capture.wait import WAITS
from harness.run.directory import RunDirectory
from harness.table import calls
from harness.table.pieces import pieces

_RETURNED = [outcome for outcome in Outcome if outcome.returned]


def withdraw_split(folder: Path, table_name: str) -> None:
    """Change the part of a run in `folder` to what `--no-split` would have made: no split columns, held-by or waits."""
    path = folder / table_name
    rows = len(calls.load(path))
    if rows:
        table = np.memmap(path, calls.DTYPE, "r+", calls.HEADER_BYTES, (rows,))
        for piece in pieces(table):
            returned = np.isin(piece["outcome"], _RETURNED)
            for name in ("run_ns", "wait_busy_ns"):
                piece[name][returned] = -1
            # The functions that blocked the loop are not known either.
            piece["lag_target_ns"] = 0
        table.flush()
    for name in (RunDirectory.HELD_BY, WAITS):
        (folder / name).unlink(missing_ok=True)
