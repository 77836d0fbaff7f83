"""Targets of known truth: their behaviour is known beforehand, and a journal records their actual calls.

`harness run steady --target 'known:lognormal?journal=FILE'` is a user's first self-check: the numbers of the run must
agree with the journal. Every factory takes its parameters as text, like any target, and counts calls from 1, including
warm-up. `{worker}` in FILE is the number of the worker, if there are several.
"""

import itertools
import mmap
import os
import random
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

NS_PER_MS = 1_000_000
NS_PER_US = 1_000

Work = Callable[[int], None]
"""Behaviour of a target on its n-th call."""


class Journal:
    """Appends the facts of each call to a file: call, start_ns, end_ns, failed, four little-endian int64.

    The file is written through a memory map: its cost stays far below the time of a call, and it is complete even
    if the process is killed; a record with call 0 was never written. Times are of CLOCK_MONOTONIC.
    """

    RECORD = struct.Struct("<qqqq")
    _END = struct.Struct("<q")
    _END_OFFSET = 16
    _GROWTH_BYTES = RECORD.size * 32_768

    def __init__(self, path: str) -> None:
        # Each of several workers has its own journal.
        path = path.replace("{worker}", os.environ.get("HARNESS_WORKER", "0"))
        self._file = open(path, "w+b")  # noqa: SIM115, PTH123 - closed by `close`
        self._lock = threading.Lock()
        # Threads may share the journal: each takes a place of its own, without a lock that would lengthen the call.
        self._take_offset = itertools.count(0, self.RECORD.size).__next__
        os.posix_fallocate(self._file.fileno(), 0, self._GROWTH_BYTES)
        self._map = mmap.mmap(self._file.fileno(), 0)
        self._size = self._GROWTH_BYTES

    def _grow(self, offset: int) -> None:
        """Make room for the record at `offset`."""
        with self._lock:
            while offset >= self._size:
                size = self._size + self._GROWTH_BYTES
                os.posix_fallocate(self._file.fileno(), 0, size)
                self._map.resize(size)
                # Last: a thread that reads it may write at once.
                self._size = size

    def add(self, call: int, start_ns: int, failed: int) -> None:
        """Write one record of a call that ends now: the end is stamped last, so that the call includes the writing."""
        offset = self._take_offset()
        if offset >= self._size:
            self._grow(offset)
        self.RECORD.pack_into(self._map, offset, call, start_ns, 0, failed)
        self._END.pack_into(self._map, offset + self._END_OFFSET, time.perf_counter_ns())

    def close(self) -> None:
        """Truncate the file to the written records."""
        self._map.close()
        self._file.truncate(self._take_offset())
        self._file.close()


class KnownTarget:
    """Do the work of each call and, on request, keep a journal."""

    def __init__(self, work: Work, journal: str = "") -> None:
        self.work = work
        self._count = itertools.count(1)
        self._journal = Journal(journal) if journal else None
        self.call = self._call_with_journal if self._journal else self._call

    def _call(self, _event: Any) -> None:
        self.work(next(self._count))

    def _call_with_journal(self, _event: Any) -> None:
        start_ns = time.perf_counter_ns()
        call = next(self._count)
        failed = 1
        try:
            self.work(call)
            failed = 0
        finally:
            self._journal.add(call, start_ns, failed)  # type: ignore[union-attr]

    def close(self) -> None:
        """Close the journal."""
        if self._journal:
            self._journal.close()


class NoopTarget:
    """Do nothing, in one function call."""

    def call(self, _event: Any) -> None:
        """Return at once."""


def number(name: str, text: str, *, least: float = 0.0) -> float:
    """Return a parameter as a number. Raises `ValueError` for anything else, and below `least`."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value < float("inf"):
        raise ValueError(f"parameter {name}={text!r} must be a number of at least {least:g}")
    return value


def spin_ns(duration_ns: float) -> None:
    """Hold the thread for at least `duration_ns`."""
    end_ns = time.perf_counter_ns() + duration_ns
    while time.perf_counter_ns() < end_ns:
        pass


def noop(journal: str = "") -> KnownTarget | NoopTarget:
    """Return at once: without a journal, the smallest measurable call."""
    return KnownTarget(lambda _call: None, journal) if journal else NoopTarget()


def constant(service_ms: str = "1", journal: str = "") -> KnownTarget:
    """Yield for `service_ms` on every call: other calls may run meanwhile."""
    seconds = number("service_ms", service_ms) / 1000
    return KnownTarget(lambda _call: time.sleep(seconds), journal)


def spin(spin_us: str = "100", journal: str = "") -> KnownTarget:
    """Block the event loop for `spin_us` on every call."""
    busy_ns = number("spin_us", spin_us) * NS_PER_US
    return KnownTarget(lambda _call: spin_ns(busy_ns), journal)


def stall(
    at_call: str = "500", stall_ms: str = "1000", service_ms: str = "1", journal: str = ""
) -> KnownTarget:
    """Yield for `service_ms`, but on call `at_call` block the event loop for `stall_ms`."""
    stalled_call = int(number("at_call", at_call, least=1))
    stall_ns = number("stall_ms", stall_ms) * NS_PER_MS
    seconds = number("service_ms", service_ms) / 1000

    def work(call: int) -> None:
        spin_ns(stall_ns) if call == stalled_call else time.sleep(seconds)

    return KnownTarget(work, journal)


def bimodal(
    fast_us: str = "100", slow_us: str = "2000", slow_share: str = "0.1", seed: str = "1", journal: str = ""
) -> KnownTarget:
    """Block the event loop for `slow_us` on a share of the calls and for `fast_us` on the others."""
    fast_ns, slow_ns = number("fast_us", fast_us) * NS_PER_US, number("slow_us", slow_us) * NS_PER_US
    share, rng = number("slow_share", slow_share), random.Random(seed)
    return KnownTarget(lambda _call: spin_ns(slow_ns if rng.random() < share else fast_ns), journal)


def lognormal(median_us: str = "100", sigma: str = "0.5", seed: str = "1", journal: str = "") -> KnownTarget:
    """Block the event loop for a lognormal time."""
    median_ns, spread = number("median_us", median_us) * NS_PER_US, number("sigma", sigma)
    rng = random.Random(seed)
    return KnownTarget(lambda _call: spin_ns(median_ns * rng.lognormvariate(0, spread)), journal)


def failing(every: str = "10", how: str = "error", journal: str = "") -> KnownTarget:
    """Raise on every `every`-th call: `how` is `error` or `timeout`."""
    period = int(number("every", every, least=1))
    kinds: dict[str, type[Exception]] = {"error": RuntimeError, "timeout": TimeoutError}
    if how not in kinds:
        raise ValueError(f"parameter how={how!r} must be one of {', '.join(kinds)}")

    def work(call: int) -> None:
        if call % period == 0:
            raise kinds[how](f"planned failure of call {call}")

    return KnownTarget(work, journal)


def leaking(leak_bytes: str = "1024", journal: str = "") -> KnownTarget:
    """Keep `leak_bytes` of memory for ever on every call."""
    size, kept = int(number("leak_bytes", leak_bytes)), []  # type: tuple[int, list[bytes]]
    return KnownTarget(lambda _call: kept.append(bytes(size)), journal)
