"""Measure the machine's effect on the measured process, read from /proc by the supervisor."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from harness.clock import SystemClock
from harness.run.documents import HostFacts

Reading = TypeVar("Reading")


class HostWatch:
    """Comparison of two readings, at the start and at the end of the measured time.

    Call `tick` with the seconds since time zero, a few times a second. Only the main thread is read: the
    event loop runs there. A killed process keeps the last reading; a fact that the kernel does not report is None.
    """

    def __init__(self, pid: int, duration_s: float) -> None:
        self._process = Path(f"/proc/{pid}")
        self._duration_s = duration_s
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def tick(self, elapsed_s: float) -> None:
        """Take a reading during the measured time."""
        if 0 <= elapsed_s <= self._duration_s + 0.5 and (reading := self._read()):
            self._first = self._first or reading
            self._last = reading

    def facts(self) -> HostFacts:
        """Return the known facts, as shares of the time between the readings."""

        def share(name: str, per: str = "time_ns") -> float | None:
            if name not in self._first or not (span := self._last[per] - self._first[per]) > 0:
                return None
            return max(self._last[name] - self._first[name], 0.0) / span

        return HostFacts(
            descheduled_share=share("run_delay_ns"),
            cpu_share=share("on_cpu_ns"),
            steal_share=share("steal_ticks", "all_ticks"),
            load_average=_read_or_none(lambda: os.getloadavg()[0]),
        )

    def _read(self) -> dict[str, float] | None:
        schedstat = _read_or_none(lambda: _numbers(self._process / "schedstat", 0, 2))
        ticks = _read_or_none(lambda: _numbers(Path("/proc/stat"), 1, 8))
        if schedstat is None:
            return None
        reading = {
            "time_ns": float(SystemClock.now_ns()),
            "on_cpu_ns": schedstat[0],
            "run_delay_ns": schedstat[1],
        }
        if ticks is not None:
            reading |= {"steal_ticks": ticks[7], "all_ticks": sum(ticks)}
        return reading


def _numbers(path: Path, skip: int, count: int) -> list[float]:
    """Return `count` numbers of the first line after `skip` words; raise `ValueError` if there are fewer."""
    words = path.read_text().split("\n", 1)[0].split()[skip : skip + count]
    if len(words) < count:
        raise ValueError(f"{path} has {len(words)} numbers, not {count}")
    return [float(word) for word in words]


def _read_or_none(read: Callable[[], Reading]) -> Reading | None:
    try:
        return read()
    except (OSError, ValueError):
        return None
