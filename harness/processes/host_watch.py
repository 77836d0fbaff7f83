"""Measure the machine's effect on the measured process, read from /proc by the supervisor."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from harness.clock import SystemClock
from harness.run.documents import HostFacts

Reading = TypeVar("Reading")

# In the first line of /proc/stat, the ticks in which a processor did nothing: idle and iowait.
_IDLE = slice(3, 5)
_PAUSE_S_PER_THREAD = 0.001
_TICK_NS = 1e9 / os.sysconf("SC_CLK_TCK")


class HostWatch:
    """Comparison of two readings, at the start and at the end of the measured time.

    Call `tick` with the seconds since time zero, a few times a second. An event loop runs in the main thread, and then only
    that is read; with `of_all_threads` times are sums over the threads. A killed process keeps the last reading; a fact
    that the kernel does not report is None.
    """

    def __init__(self, pid: int, duration_s: float, *, of_all_threads: bool = False) -> None:
        self._process = Path(f"/proc/{pid}")
        # By thread id, the last known times: a thread that has ended keeps its own.
        self._threads: dict[str, list[float]] | None = {} if of_all_threads else None
        self._duration_s = duration_s
        self._next_s = 0.0
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def tick(self, elapsed_s: float) -> None:
        """Take a reading during the measured time."""
        if (
            0 <= elapsed_s <= self._duration_s + 0.5
            and elapsed_s >= self._next_s
            and (reading := self._read())
        ):
            self._first = self._first or reading
            self._last = reading
            # Reading a thousand threads takes milliseconds of a processor that the measured process may need.
            self._next_s = elapsed_s + len(self._threads or ()) * _PAUSE_S_PER_THREAD

    def facts(self) -> HostFacts:
        """Return the known facts, as shares of the time between the readings."""

        def share(name: str, per: str = "time_ns") -> float | None:
            if name not in self._first or not (span := self._last[per] - self._first[per]) > 0:
                return None
            return max(self._last[name] - self._first[name], 0.0) / span

        waited, used = share("run_delay_ns"), share("on_cpu_ns")
        if self._threads is not None and waited is not None and used is not None:
            # Several threads wait at once: the share of the time in which they could run.
            waited /= max(waited + used, 1.0)
            if (others := share("others_ns")) is not None:
                # They also wait for one another. Others delay them for no longer than they run themselves.
                waited = min(waited, others)
        return HostFacts(
            descheduled_share=waited,
            cpu_share=used,
            steal_share=share("steal_ticks", "all_ticks"),
            load_average=_read_or_none(lambda: os.getloadavg()[0]),
        )

    def _read(self) -> dict[str, float] | None:
        schedstat = _read_or_none(self._times)
        ticks = _read_or_none(lambda: _numbers(Path("/proc/stat"), 1, 8))
        if schedstat is None:
            return None
        reading = {
            "time_ns": float(SystemClock.now_ns()),
            "on_cpu_ns": schedstat[0],
            "run_delay_ns": schedstat[1],
        }
        if ticks is not None:
            busy_ns = (sum(ticks) - sum(ticks[_IDLE])) * _TICK_NS
            reading |= {
                "steal_ticks": ticks[7],
                "all_ticks": sum(ticks),
                "others_ns": busy_ns - reading["on_cpu_ns"],
            }
        return reading

    def _times(self) -> list[float]:
        """Return the time on a processor and the time waiting for one, in ns. Raises OSError or ValueError without them."""
        if self._threads is None:
            return _numbers(self._process / "schedstat", 0, 2)
        for task in (self._process / "task").iterdir():
            if (times := _read_or_none(functools.partial(_numbers, task / "schedstat", 0, 2))) is not None:
                self._threads[task.name] = times
        on_cpu_ns, run_delay_ns = zip(*self._threads.values(), strict=True)
        return [sum(on_cpu_ns), sum(run_delay_ns)]


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
