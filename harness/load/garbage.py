"""Counts and times the garbage collections of the measured process."""

import gc
from typing import Any, Self

from harness.clock import SystemClock


class GarbageWatch:
    """While open, `collections` and `spent_ns` grow."""

    def __init__(self) -> None:
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
            self.spent_ns += SystemClock.now_ns() - self._started_ns
