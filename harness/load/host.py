"""How long the machine kept this thread waiting for a processor, read cheaply and seldom."""

import os

_REFRESH_NS = 20_000_000
UNEXPLAINED_NS = 200_000
"""A lag that is explained up to this is not worth a look at the kernel's account."""


class RunDelay:
    """The run delay of the thread that made this object, from `/proc/thread-self/schedstat`.

    Where the kernel has no such file every answer is 0: then nothing is excused as the host's doing.
    """

    def __init__(self) -> None:
        try:
            self._descriptor: int | None = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        except OSError:
            self._descriptor = None
        self._seen_ns = self.total_ns()
        self._seen_at_ns = 0

    def total_ns(self) -> int:
        """Return the thread's whole run delay."""
        if self._descriptor is None:
            return 0
        return int(os.pread(self._descriptor, 96, 0).split()[1])

    def refresh(self, now_ns: int) -> None:
        """Look again if the last look was over 20 ms ago, so that `take_ns` speaks of the recent past."""
        if now_ns - self._seen_at_ns > _REFRESH_NS:
            self._seen_ns, self._seen_at_ns = self.total_ns(), now_ns

    def take_ns(self, most_ns: int) -> int:
        """Return the run delay since the last look, at most `most_ns`. It may be asked again for another call."""
        return min(self.total_ns() - self._seen_ns, most_ns)

    def close(self) -> None:
        """Give the file back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
