"""Count and time the garbage collections of the measured process."""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from harness.clock import SystemClock
from harness.profiles.stacks.marker import MARKER_PREFIX


class GarbageWatch:
    """Counter of collections: while open, `collections` and `spent_ns` grow; `in_target` gets the ns of each that the target triggered."""

    def __init__(self, in_target: Callable[[int], None] | None = None) -> None:
        self._in_target = in_target
        self.collections = 0
        self.spent_ns = 0
        self._started_ns = 0

    def __enter__(self) -> Self:
        gc.callbacks.append(self._on_collection)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._on_collection)

    def _on_collection(self, phase: str, _info: Any) -> None:
        if phase == "start":
            self._started_ns = SystemClock.now_ns()
        else:
            self.collections += 1
            spent_ns = SystemClock.now_ns() - self._started_ns
            self.spent_ns += spent_ns
            if self._in_target and _is_targets(sys._getframe(1)):  # noqa: SLF001 - the interrupted frame
                self._in_target(spent_ns)


def _is_targets(frame: FrameType | None) -> bool:
    """Return True if a stack runs for an operation: in a call, or in a greenlet that works for one."""
    while frame is not None:
        if frame.f_code.co_name.startswith(MARKER_PREFIX):
            return True
        frame = frame.f_back
    return False
