"""The one clock of all timestamps; decisions take their times as arguments and need no clock."""

import ctypes
import time

NS_PER_S = 1_000_000_000


class SystemClock:
    """CLOCK_MONOTONIC in integer nanoseconds: the same for every process of the machine, never stepped."""

    now_ns = staticmethod(time.perf_counter_ns)


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


_CLOCK_REALTIME = 0
_gettime = ctypes.CDLL(None, use_errno=True).clock_gettime


def wall_ns() -> int:
    """Return the machine's wall clock in ns since 1970, read from the kernel: a target may replace `time.time_ns`.

    Libraries that stop the time for a test (freezegun, time-machine) replace it in every module, or below Python.
    """
    now = _TimeSpec()
    if _gettime(_CLOCK_REALTIME, ctypes.byref(now)):
        raise OSError(ctypes.get_errno(), "the wall clock cannot be read")
    return int(now.seconds) * NS_PER_S + int(now.nanoseconds)


def wall_s() -> float:
    """Return the same in seconds, to a quarter of a microsecond."""
    return wall_ns() / NS_PER_S
