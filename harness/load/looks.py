"""Keep the last readings of some counters in memory that is taken once, so that the measured process does not grow by them."""

import bisect
import struct

MOST = 4_096
"""Readings that are kept."""
_LONG_AGO_NS = -(1 << 62)


class Looks:
    """The last `MOST` readings, each of some whole numbers at a time; times must not decrease."""

    def __init__(self, time_ns: int, *values: int) -> None:
        row = struct.Struct(f"={1 + len(values)}q")
        # Before the first reading there was none: it stands for all earlier ones.
        self._buffer = bytearray(row.pack(_LONG_AGO_NS, *values) * MOST)
        self._times = memoryview(self._buffer).cast("q")[:: 1 + len(values)]
        self._pack, self._unpack, self._bytes = row.pack_into, row.unpack_from, row.size
        self._next = 0
        self.last_ns = time_ns
        """Time of the last reading."""
        self.add(time_ns, *values)

    def add(self, time_ns: int, *values: int) -> None:
        """Keep a reading in the place of the oldest."""
        place = self._next
        self._pack(self._buffer, place * self._bytes, time_ns, *values)
        self.last_ns = time_ns
        self._next = place + 1 if place + 1 < MOST else 0

    def before(self, time_ns: int) -> tuple[int, ...]:
        """Return the time and values of the last reading at or before a time; of the oldest one if all are later."""
        times, place = self._times, self._next
        # Two ascending halves: the readings up to the newest, and the older ones behind it.
        if place and time_ns >= times[0]:
            found = bisect.bisect_right(times, time_ns, 0, place) - 1
        else:
            found = max(bisect.bisect_right(times, time_ns, place) - 1, place)
        row: tuple[int, ...] = self._unpack(self._buffer, found * self._bytes)
        return row

    @property
    def first_ns(self) -> int:
        """Time of the oldest reading; long ago until as many were kept as can be."""
        return int(self._times[self._next])
