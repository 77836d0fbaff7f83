"""The work of `harness doctor`: check by check, whether this machine can measure."""

import dataclasses
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from harness import environment
from harness.clock import SystemClock
from harness.units import format_ns, format_percent, significant
from targets.installed import REMEDY, missing_of_core

_NOISE_SLICES = 300
_SPEED_NS = 3_000_000_000
_SLOW_FACTOR = 2.0
_MOST_SLOW_SHARE = 0.005


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One check: whether it passed, a sentence, and the remedy otherwise."""

    name: str
    ok: bool
    sentence: str
    remedy: str = ""


def clock() -> Finding:
    """Measure the resolution of the clock: its smallest step."""
    steps = set()
    for _ in range(20_000):
        before_ns = SystemClock.now_ns()
        steps.add(SystemClock.now_ns() - before_ns)
    least_ns = min(steps - {0}, default=0)
    return Finding(
        "clock",
        ok=0 < least_ns < 1_000,
        sentence=f"the smallest step between two readings is {format_ns(least_ns)}",
        remedy="Shorter times cannot be distinguished; check the machine's clock source",
    )


def noise() -> Finding:
    """Measure how much the time of a fixed piece of work varies: the 90th percentile relative to the median."""
    times = []
    for _ in range(_NOISE_SLICES):
        start_ns = SystemClock.now_ns()
        sum(range(20_000))
        times.append(SystemClock.now_ns() - start_ns)
    median = statistics.median(times)
    spread = statistics.quantiles(times, n=10)[-1] / median - 1
    return Finding(
        "noise",
        ok=spread < 0.25,
        sentence=f"a fixed loop of {format_ns(median)} takes {format_percent(spread)} longer at p90",
        remedy="Other processes disturb measurements; stop them, or expect degraded runs",
    )


def speed() -> Finding:
    """Measure whether the CPU keeps its speed: a host may slow a virtual machine down without reporting steal or delay."""
    slices = []
    end_ns = SystemClock.now_ns() + _SPEED_NS
    while SystemClock.now_ns() < end_ns:
        start_ns = time.thread_time_ns()
        sum(range(5_000))
        slices.append(time.thread_time_ns() - start_ns)
    share, worst = slow_share(slices)
    return Finding(
        "speed",
        ok=share < _MOST_SLOW_SHARE,
        sentence=f"for {format_percent(share)} of its own CPU time a loop ran at under half of its usual speed, at worst "
        f"{significant(worst)} times slower",
        remedy="The host slows this machine down, and a run cannot detect that: its p99 and the start delays of "
        "fast plans then depend on the host; use another machine for those",
    )


def slow_share(slices_ns: Sequence[int]) -> tuple[float, float]:
    """Return (share of the time in slices over twice the median, slowdown factor of the slowest slice)."""
    median = statistics.median(slices_ns)
    slow = [taken for taken in slices_ns if taken > _SLOW_FACTOR * median]
    return sum(slow) / sum(slices_ns), max(slices_ns) / median


def timer() -> Finding:
    """Measure the delay with which a sleep of 1 ms wakes up."""
    late = []
    for _ in range(100):
        start_ns = SystemClock.now_ns()
        time.sleep(0.001)
        late.append(SystemClock.now_ns() - start_ns - 1_000_000)
    worst_ns = statistics.quantiles(late, n=100)[-1]
    return Finding(
        "timer",
        ok=worst_ns < 2_000_000,
        sentence=f"a sleep of 1 ms wakes up {format_ns(worst_ns)} late at p99",
        remedy="Calls will be sent late; use a machine with less other load",
    )


def interpreter() -> Finding:
    """Report the interpreter that measures."""
    return Finding(
        "python",
        ok=sys.version_info >= (3, 11) and sys.gettrace() is None,
        sentence=environment.collect()["python"],
        remedy="Use CPython 3.11 or newer, without a debugger or coverage tool",
    )


def cpu_profiler() -> Finding:
    """Try py-spy on a child process."""
    from harness.profiles.capture.rights import can_profile

    return Finding("py-spy", *can_profile())


def memory_profiler() -> Finding:
    """Check whether memray is installed."""
    version = environment.collect()["packages"].get("memray")
    return Finding("memray", bool(version), version or "it is not installed", "pip install memray")


def instruction_counter() -> Finding:
    """Try Valgrind, which `--suite instructions` needs."""
    from harness.instructions import valgrind

    why, remedy = valgrind.trouble()
    sentence = why or f"{valgrind.version()} counts instructions"
    return Finding("valgrind", not why, sentence, remedy or valgrind.INSTALL)


def _server(name: str) -> Callable[[], Finding]:
    def check() -> Finding:
        if missing := missing_of_core():
            # Nothing is wrong: only the asset core needs them.
            sentence = (
                f"not looked for: {', '.join(missing)} are not installed, which only the asset core needs"
            )
            return Finding(name, ok=True, sentence=sentence, remedy=REMEDY)
        from targets.backends.checks import CHECKS as SERVER_CHECKS

        found = SERVER_CHECKS[name]()
        return Finding(name, found.ok, found.sentence, found.remedy)

    return check


CHECKS: tuple[Callable[[], Finding], ...] = (
    clock,
    noise,
    speed,
    timer,
    interpreter,
    cpu_profiler,
    memory_profiler,
    instruction_counter,
    _server("dynamodb"),
    _server("neo4j"),
    _server("redis"),
)
