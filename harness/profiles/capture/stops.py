"""Measure the share of the time that a process is held: the cost of a profiler that stops its target.

The kernel reports the state of a process; looks at random moments find it held in proportion to the time held. Looks
need no cooperation of the process, so its own work may be arbitrarily uneven.
"""

import contextlib
import dataclasses
import os
import random
import threading
from collections.abc import Iterator

LOOKS_PER_S = 150
_HELD = {"t", "T"}
"""Process states that count as held: by a tracer, or stopped by a signal."""
_HEAD_BYTES = 64
"""Bytes read of `/proc/PID/stat`: number, name of at most 15 bytes in brackets, state."""


@dataclasses.dataclass(frozen=True, slots=True)
class Looks:
    """Number of looks, and of those that found the main thread of the process held."""

    looks: int = 0
    held: int = 0

    @property
    def share(self) -> float | None:
        """The share of the time that the process was held; None without a look."""
        return self.held / self.looks if self.looks else None


NO_LOOKS = Looks()


class StopWatch:
    """Watch that looks at process `pid` at random moments in its own thread, from `start` to `stop`.

    It stops looking when the process has gone; without `start` there are no looks.
    """

    def __init__(self, pid: int, per_s: float = LOOKS_PER_S) -> None:
        self._pid = pid
        self._per_s = per_s
        self._looks = self._held = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stop watch", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; the looks so far stay."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def looks(self) -> Looks:
        """Looks so far."""
        return Looks(self._looks, self._held)

    def _watch(self) -> None:
        # A regular gap could keep step with the profiler that holds the process.
        gaps = random.Random(self._pid)
        with contextlib.suppress(OSError), _opened(self._pid) as descriptor:
            while not self._ended.wait(gaps.expovariate(self._per_s)):
                self._held += _state(descriptor) in _HELD
                self._looks += 1


@contextlib.contextmanager
def _opened(pid: int) -> Iterator[int]:
    """Yield a descriptor from which the state of `pid` can be read repeatedly."""
    descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _state(descriptor: int) -> str:
    """Return the state of the main thread, one letter. Raises OSError once the process has gone."""
    head = os.pread(descriptor, _HEAD_BYTES, 0)
    return head[head.rindex(b")") + 2 :][:1].decode()
