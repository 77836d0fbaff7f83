"""Compute latencies from the timestamps of calls: the single definition of each time metric."""

import numpy as np
import numpy.typing as npt

from harness.model import Outcome
from harness.table import calls
from harness.table.aside import has_time

METRICS = (
    "response_ns", "service_ns", "lag_ns", "queue_ns", "run_ns", "wait_busy_ns", "wait_idle_ns", "first_byte_ns",
)  # fmt: skip
"""Files of histograms number them in this order."""
_RETURNED = [outcome for outcome in Outcome if outcome.returned]


def returned(table: calls.Table) -> calls.Table:
    """Return the rows of calls with a response: completed, failed or timed out."""
    return table[np.isin(table["outcome"], _RETURNED)]


def harness_lag_ns(rows: calls.Table) -> npt.NDArray[np.int64]:
    """Return each sent call's start delay in ns, without the parts caused by the target and the host."""
    lag: npt.NDArray[np.int64] = rows["dispatched_ns"] - rows["intended_ns"]
    own: npt.NDArray[np.int64] = np.maximum(lag - rows["lag_target_ns"] - rows["lag_host_ns"], 0)
    return own


def latencies(rows: calls.Table) -> dict[str, npt.NDArray[np.int64]]:
    """Return the time of each call in ns, by metric of `METRICS` and in its order; -1 where it is unknown.

    The split may have been off, no first byte was seen, or the call has no time at all. Contradictory stamps, which make a run invalid, give 0.
    """
    intended, dispatched = rows["intended_ns"], rows["dispatched_ns"]
    entered, completed = rows["entered_ns"], rows["completed_ns"]
    run, busy = rows["run_ns"], rows["wait_busy_ns"]
    stamped = {
        "response_ns": completed - intended,
        "service_ns": completed - entered,
        "lag_ns": dispatched - intended,
        "queue_ns": entered - dispatched,
    }
    split = {"run_ns": run, "wait_busy_ns": busy, "wait_idle_ns": completed - entered - run - busy}
    known = has_time(rows)
    return (
        {name: np.where(known, np.maximum(values, 0), -1) for name, values in stamped.items()}
        | {name: np.where(known & (run >= 0), np.maximum(values, 0), -1) for name, values in split.items()}
        | {"first_byte_ns": _first_byte_ns(rows)}
    )


def _first_byte_ns(rows: calls.Table) -> npt.NDArray[np.int64]:
    if "first_byte_ns" not in (rows.dtype.names or ()):
        return np.full(len(rows), -1, np.int64)
    first: npt.NDArray[np.int64] = np.where(rows["first_byte_ns"] > 0, rows["first_byte_ns"], -1)
    return first
