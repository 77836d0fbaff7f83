"""Control the garbage collector: exclude the objects of initialisation, collect rarely, and when memory is short."""

import gc
import threading

from targets.asset_core.allocations import AllocationTracker

THRESHOLDS = (20_000, 20, 20)
"""Thresholds for requests, which make few cycles: young collections at 1/30 of the default's rate, old ones rarer."""

STEP_BYTES = 16 * 1024**2
"""Memory growth since the last collection that makes another one worthwhile."""


class GcPolicy:
    """The policy of the whole process while any core uses it; the last core restores the interpreter's settings."""

    _lock = threading.Lock()
    _users = 0
    _before: tuple[int, int, int] = (0, 0, 0)

    def __init__(self, tracker: AllocationTracker) -> None:
        self.tracker = tracker
        self._applied = False
        self._collected_at_bytes = 0
        self.collections = 0

    def apply(self) -> None:
        """Exclude all existing objects from collections, and make collections rarer."""
        with GcPolicy._lock:
            if self._applied:
                return
            self._applied = True
            if not GcPolicy._users:
                GcPolicy._before = gc.get_threshold()
                gc.set_threshold(*THRESHOLDS)
            GcPolicy._users += 1
            gc.freeze()

    def undo(self) -> None:
        """Restore the previous settings, unless another core still uses the policy."""
        with GcPolicy._lock:
            if not self._applied:
                return
            self._applied = False
            GcPolicy._users -= 1
            if not GcPolicy._users:
                gc.unfreeze()
                gc.set_threshold(*GcPolicy._before)

    def between_batches(self) -> None:
        """Collect if the memory is over its limit and has grown since the last attempt."""
        if not self._applied:
            return
        now_bytes = self.tracker.read_bytes()
        if now_bytes > self.tracker.limit_bytes and now_bytes >= self._collected_at_bytes + STEP_BYTES:
            gc.collect()
            self.collections += 1
            self._collected_at_bytes = self.tracker.read_bytes()
