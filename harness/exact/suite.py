"""Count exact memory of a micro suite: allocations per call of each benchmark, in slots of both sides."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.exact import slot_tools
from harness.exact.metrics import ALLOCATIONS, PEAK_BYTES
from harness.exact.repetition import Repetition, SideCounts, Value, as_counts
from harness.exact.serving import serve
from harness.exact.tracing import own_weights, share_elsewhere, with_unseen
from harness.profiles.capture import memory
from harness.session.receipt import Benchmark, Count, Side, State
from harness.session.slots.block import Stage
from harness.supervise import private_folder

TOOLS = Path(slot_tools.__file__)
MOST_CALLS = 10
REPETITIONS = 3
_ONE_S = 0.2
"""Time to set one benchmark up, trace it and read the trace, in s."""
_SLOWER = 8
"""Number of times its calls are made: to warm up, untraced and traced, and to return."""
_TRACED_NS = 200_000_000
"""Limit for the traced calls of a benchmark, in ns of untraced time: tracing takes several times as long."""


def trace_suite(stage: Stage, benchmarks: Sequence[Benchmark], repetitions: int = REPETITIONS) -> list[Count]:
    """Return allocations and peak bytes of the benchmarks that both sides run, in `repetitions` fresh slots of each.

    `peak_bytes` is the memory that a benchmark's calls held together at the moment when the slot held most. The death of a
    slot becomes a note and raises nothing.
    """
    chosen = [one for one in benchmarks if one.state is State.BOTH and one.of is None]
    if not chosen:
        return []
    base, candidate = (
        SideCounts(tuple(_trace_once(stage, side, chosen) for _ in range(repetitions))) for side in Side
    )
    return as_counts(base, candidate)


def trace_seconds(calls_ns: Sequence[float], start_s: float) -> float:
    """Return the approximate time to trace such benchmarks on both sides, in seconds; a slot starts in `start_s`."""
    each_s = (_ONE_S + _SLOWER * _calls(ns) * ns * 1e-9 for ns in calls_ns)
    return 2 * REPETITIONS * (start_s + sum(each_s))


def calls_traced(benchmark: Benchmark) -> int:
    """Return the number of traced calls, the same on both sides: ten, or fewer for long ones."""
    return benchmark.most_calls or _calls(max(benchmark.base_ns or 1.0, benchmark.candidate_ns or 1.0))


def _calls(slower_ns: float) -> int:
    return max(1, min(MOST_CALLS, int(_TRACED_NS / max(slower_ns, 1.0))))


def _trace_once(stage: Stage, side: str, benchmarks: Sequence[Benchmark]) -> Repetition:
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    roots = stage.code_of(side)
    values: dict[str, dict[str, Value]] = {}
    note, packages = "", _packages()
    with private_folder() as folder:
        record = folder / "memory.bin"
        try:
            # The same number of calls in every slot: a benchmark may change with its calls.
            for name, slot in serve(stage, side, list(by_name), warm=dict.fromkeys(by_name, 1)):
                calls = calls_traced(by_name[name])
                untraced = 0 if by_name[name].most_calls else calls
                why = slot.use_tool(TOOLS, "trace", calls, str(record), packages, untraced)
                values[name] = with_unseen(values_of(record, calls, roots), why)
        except HarnessError as error:
            note = f"{side}: {error}"
    return Repetition(MOST_CALLS, values, note=note)


def _packages() -> str:
    """Return the folder of our memray installation: a side with its own environment may lack it."""
    spec = importlib.util.find_spec("memray")
    return str(Path(spec.origin).parent.parent) if spec is not None and spec.origin else ""


def values_of(record: Path, calls: int, roots: Sequence[str] = ()) -> dict[str, Value]:
    """Return both metrics of a record of `slot_tools.trace`: the calls' allocations without the overhead of calling."""
    profiles = memory.fold(record, roots)
    nothing = own_weights(profiles.allocations, slot_tools.NOTHING)
    made = own_weights(profiles.allocations, slot_tools.CALLS)
    sites = {
        name: (weight - nothing.get(name, 0.0)) / calls
        for name, weight in made.items()
        if weight != nothing.get(name, 0.0)
    }
    held = own_weights(profiles.peak, slot_tools.CALLS)
    total = (sum(made.values()) - sum(nothing.values())) / calls
    elsewhere = share_elsewhere(profiles, calls, slot_tools.NOTHING, slot_tools.CALLS)
    return {
        ALLOCATIONS: Value(total, sites, elsewhere),
        PEAK_BYTES: Value(sum(held.values()), held, elsewhere),
    }
