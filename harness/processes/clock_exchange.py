"""Relate the monotonic clock of another machine to the wall clock of this one, by messages there and back.

A worker asks the master for its wall clock. The answer was made between the question and its arrival, so it bounds the
difference of the two clocks from both sides, however slow or lopsided the network is. The wall clock of the worker's machine
takes no part, so it may be wrong, and may be set during a test.
Source of the method: F. Cristian, "Probabilistic clock synchronization", Distributed Computing 3 (1989).
"""

import dataclasses
from pathlib import Path

import msgspec

from harness.clock import NS_PER_S, SystemClock, wall_ns

WINDOW_NS = 10 * NS_PER_S
"""Length of a window, of which the tightest answer is kept."""
_MOST_WINDOWS = 10_000
# The clocks of two machines drift apart by less than 100 ppm.
_DRIFT_NS_PER_WINDOW = WINDOW_NS // 10_000
# A wall clock may have been set by this much between an answer and the end of the test, and still be that of one machine.
_SET_NS = NS_PER_S // 10
# The process may lose its processor between two readings.
_READINGS = 10
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class WorkerClock(msgspec.Struct, frozen=True, kw_only=True):
    """The clocks of a worker's machine, in a report.

    `boot` names the running kernel; it is empty if that is not known. `zero_unix_ns` is the master's wall clock when the
    monotonic clock of the worker was zero, at most `error_ns` wrong at any time of the test; both are None before an answer.
    """

    boot: str = ""
    zero_unix_ns: int | None = None
    error_ns: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Placement:
    """Time zero of a part on the master's wall clock, in ns; `error_ns` is its largest error, None if that is not known."""

    origin_unix_ns: int
    error_ns: int | None


def placement(origin_ns: int, clock: WorkerClock, here: WorkerClock) -> Placement | None:
    """Return the place of a reading of the worker's monotonic clock; None if the clocks have not been compared.

    Processes of one machine share its monotonic clock, unless they are in another time namespace, as their answers show.
    """
    if here.zero_unix_ns is not None and here.boot and clock.boot == here.boot and _is_shared(clock, here):
        return Placement(here.zero_unix_ns + origin_ns, 0)
    if clock.zero_unix_ns is None:
        return None
    return Placement(clock.zero_unix_ns + origin_ns, clock.error_ns)


def _is_shared(clock: WorkerClock, here: WorkerClock) -> bool:
    if clock.zero_unix_ns is None or here.zero_unix_ns is None:
        return True
    return abs(clock.zero_unix_ns - here.zero_unix_ns) <= (clock.error_ns or 0) + _SET_NS


def this_clock() -> WorkerClock:
    """Return the clocks of this machine, in the form of a report."""
    _, zero_ns = min(_read_both() for _ in range(_READINGS))
    return WorkerClock(boot=_boot_id(), zero_unix_ns=zero_ns, error_ns=0)


def _read_both() -> tuple[int, int]:
    """Return how long it took to read both clocks, and the wall clock when the monotonic clock was zero, in ns."""
    before_ns, now_ns, after_ns = SystemClock.now_ns(), wall_ns(), SystemClock.now_ns()
    return after_ns - before_ns, now_ns - (before_ns + after_ns) // 2


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


@dataclasses.dataclass(frozen=True, slots=True)
class _Bounds:
    """The bounds of the master's wall clock less this monotonic clock, in ns, from one answer of a window."""

    window: int
    low_ns: int
    high_ns: int

    @property
    def width_ns(self) -> int:
        return self.high_ns - self.low_ns

    @property
    def middle_ns(self) -> int:
        return (self.low_ns + self.high_ns) // 2

    def error_ns(self, best: "_Bounds") -> int:
        """Return the largest error of the middle of `best` in this window.

        A slow answer tells little, but the clocks cannot have drifted far since `best`. Where even its bounds are further
        away than that, the master's clock was set.
        """
        value_ns = best.middle_ns
        furthest_ns = max(abs(value_ns - self.low_ns), abs(value_ns - self.high_ns))
        nearest_ns = max(self.low_ns - value_ns, value_ns - self.high_ns, 0)
        drifted_ns = best.width_ns // 2 + abs(self.window - best.window) * _DRIFT_NS_PER_WINDOW
        return furthest_ns if nearest_ns > drifted_ns else min(furthest_ns, drifted_ns)


class ClockExchange:
    """The answers that a worker has got; of each window the one with the tightest bounds is kept."""

    def __init__(self) -> None:
        self._boot = _boot_id()
        self._best: dict[int, _Bounds] = {}

    def answered(self, asked_ns: int, answered_ns: int, master_ns: int) -> None:
        """Take an answer: the master's wall clock, in ns. The other times are readings of this monotonic clock, in ns.

        An answer that came before its question is ignored.
        """
        if answered_ns < asked_ns:
            return
        window = asked_ns // WINDOW_NS
        found = _Bounds(window, master_ns - answered_ns, master_ns - asked_ns)
        best = self._best.get(window)
        if best is None or found.width_ns < best.width_ns:
            self._best[window] = found
        if len(self._best) > _MOST_WINDOWS:
            del self._best[next(iter(self._best))]

    def clock(self, since_ns: int = 0) -> WorkerClock:
        """Return what is known of the clock since a reading of it.

        The tightest answer gives the value. The error is that of the window that fits it worst, so it contains the drift of
        the two clocks against each other.
        """
        kept = [bounds for window, bounds in self._best.items() if window >= since_ns // WINDOW_NS]
        if not kept:
            return WorkerClock(boot=self._boot)
        best = min(kept, key=lambda bounds: bounds.width_ns)
        error_ns = max(bounds.error_ns(best) for bounds in kept) + _DRIFT_NS_PER_WINDOW
        return WorkerClock(boot=self._boot, zero_unix_ns=best.middle_ns, error_ns=error_ns)
