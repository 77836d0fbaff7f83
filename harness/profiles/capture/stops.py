"""How often a process stands still because somebody holds it: what a profiler that stops its target costs it.

The kernel tells the state of a process; a look at a random moment finds it held as often as it is held. Looks need
nothing of the process, so its own work may be as uneven as it likes.
"""

import contextlib
import dataclasses
import os
import random
import threading
from collections.abc import Iterator

LOOKS_PER_S = 150
_HELD = {"t", "T"}
"""Held by a tracer, or stopped by a signal."""
_HEAD_BYTES = 64
"""Of `/proc/PID/stat`: number, name of at most 15 bytes in brackets, state."""


@dataclasses.dataclass(frozen=True, slots=True)
class Looks:
    """How many looks there were, and in how many the main thread of the process was held."""

    looks: int = 0
    held: int = 0

    @property
    def share(self) -> float | None:
        """The part of the time that the process was held; None without a look."""
        return self.held / self.looks if self.looks else None


NO_LOOKS = Looks()


class StopWatch:
    """Looks at process `pid` at random moments in a thread of its own, from `start` to `stop`.

    A process that has gone is looked at no more; one whose watch was never started is not looked at.
    """

    def __init__(self, pid: int, per_s: float = LOOKS_PER_S) -> None:
        self._pid = pid
        self._per_s = per_s
        self._looks = self._held = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stop watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what was seen stays."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def looks(self) -> Looks:
        """What was seen so far."""
        return Looks(self._looks, self._held)

    def _watch(self) -> None:
        # A gap that repeats could keep step with whoever holds the process.
        gaps = random.Random(self._pid)
        with contextlib.suppress(OSError), _opened(self._pid) as descriptor:
            while not self._ended.wait(gaps.expovariate(self._per_s)):
                self._held += _state(descriptor) in _HELD
                self._looks += 1


@contextlib.contextmanager
def _opened(pid: int) -> Iterator[int]:
    """Yield a descriptor to read the state of `pid` from, again and again."""
    descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _state(descriptor: int) -> str:
    """Return the state of the main thread, one letter. Raises OSError once the process has gone."""
    head = os.pread(descriptor, _HEAD_BYTES, 0)
    return head[head.rindex(b")") + 2 :][:1].decode()
