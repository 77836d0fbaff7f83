"""The one clock of all stamps; whatever decides takes its times as arguments and needs no clock."""

import time

NS_PER_S = 1_000_000_000


class SystemClock:
    """CLOCK_MONOTONIC in integer nanoseconds: the same for every process of the machine, never stepped."""

    now_ns = staticmethod(time.perf_counter_ns)
