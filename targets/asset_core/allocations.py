"""Track the process's memory before and after each piece of work, by kind of work."""

import contextlib
import dataclasses
import os
import threading
from collections.abc import Callable, Iterator

REFERENCE_BYTES = 1024**3
"""Memory of the Lambda function."""

LIMIT_BYTES = int(0.8 * REFERENCE_BYTES)
_STATM = "/proc/self/statm"


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """One kind of work so far. `grown_bytes` is the total growth over all of it; `peak_bytes` the most memory after it."""

    calls: int = 0
    before_bytes: int = 0
    after_bytes: int = 0
    grown_bytes: int = 0
    peak_bytes: int = 0

    def then(self, before_bytes: int, after_bytes: int) -> "Usage":
        """Return the usage after one more call."""
        return Usage(
            calls=self.calls + 1,
            before_bytes=before_bytes,
            after_bytes=after_bytes,
            grown_bytes=self.grown_bytes + after_bytes - before_bytes,
            peak_bytes=max(self.peak_bytes, after_bytes),
        )


class AllocationTracker:
    """Read the resident memory around each piece of work; tests replace `read_bytes`."""

    def __init__(self, read_bytes: Callable[[], int] | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.read_bytes = read_bytes or resident_bytes
        self._lock = threading.Lock()
        self._usages: dict[str, Usage] = {}

    @contextlib.contextmanager
    def watch(self, kind: str) -> Iterator[None]:
        """Note the memory before and after the block, even after an exception."""
        before_bytes = self.read_bytes()
        try:
            yield
        finally:
            after_bytes = self.read_bytes()
            with self._lock:
                self._usages[kind] = self._usages.get(kind, Usage()).then(before_bytes, after_bytes)

    def usages(self) -> dict[str, Usage]:
        """Return the memory usage of each kind of work."""
        with self._lock:
            return dict(self._usages)


def resident_bytes() -> int:
    """Return the resident memory of this process; 0 where the system does not report it."""
    try:
        with open(_STATM, "rb", buffering=0) as statm:  # noqa: PTH123 (a path object would cost more than the read)
            return int(statm.read(128).split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0


_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
