"""Sample the resources of the measured process once a second, from within it.

A sample reads counts that exist: it looks at no objects. It takes 25 to 200 us, and no more than one part in
four thousand of the time: where the heap is so large that counting its blocks takes longer, samples are fewer.
"""

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from harness.clock import NS_PER_S, SystemClock
from harness.run.directory import RunDirectory
from harness.run.samples import Sample, SampleFile

PERIOD_S = 1.0
_SHARE = 1 / 4000
_STATUS_BYTES = 4096
_KB = 1024
_FIELDS = {b"VmRSS": "rss", b"RssAnon": "anonymous", b"VmSwap": "swapped", b"Threads": "threads"}


class Sampler:
    """The samples of this process, written into `folder`; as a context manager it closes the file.

    `alive` counts what this process runs its calls in, by the name of its field: greenlets or tasks.
    """

    def __init__(self, folder: Path, alive: Mapping[str, Callable[[], int]]) -> None:
        self._alive = alive
        self._process = os.getpid()
        self._resources = contextlib.ExitStack()
        self._file: SampleFile | None = None
        # A run is measured as well without samples.
        with contextlib.suppress(OSError):
            self._file = self._resources.enter_context(SampleFile(folder / RunDirectory.SAMPLES))
            self._status = os.open("/proc/self/status", os.O_RDONLY)
            self._resources.callback(os.close, self._status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()
        self._file = None

    @property
    def unsent(self) -> bytes:
        """Return the lines that were not returned before; they can be appended to a file of samples elsewhere."""
        return self._file.unsent() if self._file else b""

    def take(self) -> float:
        """Take a sample, and return the time until the next, in s. A forked child takes none, and nor does a closed sampler."""
        if self._file is None or os.getpid() != self._process:
            return PERIOD_S
        start_ns = time.thread_time_ns()
        try:
            self._file.add(self._read(start_ns))
        except (OSError, ValueError, RuntimeError):
            # Not every kernel shows all of it, and the disk may be full.
            return PERIOD_S
        return max(PERIOD_S, (time.thread_time_ns() - start_ns) / NS_PER_S / _SHARE)

    def _read(self, start_ns: int) -> Sample:
        status = self._own_status()
        collected = gc.get_stats()
        counts = {name: count() for name, count in self._alive.items()}
        blocks, fds = sys.getallocatedblocks(), _descriptors()
        return Sample(
            at_ns=SystemClock.now_ns(),
            rss_bytes=_bytes(status, "rss"),
            own_bytes=_bytes(status, "anonymous", "swapped"),
            blocks=blocks,
            fds=fds,
            threads=status.get("threads"),
            greenlets=counts.get("greenlets"),
            tasks=counts.get("tasks"),
            collections=sum(one["collections"] for one in collected),
            uncollectable=sum(one["uncollectable"] for one in collected),
            took_ns=time.thread_time_ns() - start_ns,
        )

    def _own_status(self) -> dict[str, int]:
        found = {}
        for line in os.pread(self._status, _STATUS_BYTES, 0).split(b"\n"):
            name, _, value = line.partition(b":")
            if name in _FIELDS:
                found[_FIELDS[name]] = int(value.split()[0])
        return found


def _bytes(status: Mapping[str, int], *names: str) -> int | None:
    known = [status[name] for name in names if name in status]
    return sum(known) * _KB if len(known) == len(names) else None


def _descriptors() -> int:
    """Return the number of open descriptors: since Linux 6.2 it is the size of the folder, which otherwise is listed."""
    # A listing has a descriptor of its own.
    return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd")) - 1  # noqa: PTH116, PTH208 - cheaper
