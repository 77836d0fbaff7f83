"""The functions that changed most: where a regression may come from. Differences are listed, not tested."""

import contextlib
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.exact import slot_tools
from harness.exact.metrics import unit_of
from harness.exact.serving import serve
from harness.exact.suite import TOOLS
from harness.profiles import cpu
from harness.profiles.folded import Profile, Stack
from harness.profiles.frames import OUTSIDE, frame_path
from harness.session.block import Stage
from harness.session.receipt import (
    Benchmark,
    Block,
    Count,
    FunctionChange,
    Phase,
    Receipt,
    Side,
    Suspects,
)
from harness.session.slot import Slot

MOST_FUNCTIONS = 8
MOST_PROFILED = 5
TIMED = ("wall", "cpu")
"""The metrics of micro-benchmarks that a CPU profile explains."""
RATE_HZ = 400
SECONDS = 3.0
_STEP_NS = 200_000_000
FEW_SAMPLES = 300
NO_FUNCTION = "(no function)"
_NOTHING = Profile("samples", {})
_SLOT_FILES = {"", "harness/session/slot_program.py", "harness/exact/slot_tools.py"}
NOT_TESTED = "Not tested: what differs by chance is listed too."


def explain(
    receipt: Receipt, regressed: Iterable[tuple[str, str]], stage: Stage | None, seconds: float = SECONDS
) -> list[Suspects]:
    """Return the suspects of each (benchmark, metric) that regressed, where there are any to name.

    Exact metrics are explained by their own sites; the first few micro-benchmarks by a profile of both sides, which
    takes about 10 s each. `stage` of None profiles nothing.
    """
    asked = list(regressed)
    found = [suspects_of(count) for count in receipt.counts if (count.benchmark, count.metric) in asked]
    timed = {name: metric for name, metric in asked if metric in TIMED}
    marks = [one for one in receipt.benchmarks if one.name in timed and one.of is None]
    if stage is not None:
        found += [
            find_suspects(stage, one, timed[one.name], receipt.blocks, seconds)
            for one in marks[:MOST_PROFILED]
        ]
    return found


def find_suspects(
    stage: Stage, benchmark: Benchmark, metric: str, blocks: Sequence[Block], seconds: float = SECONDS
) -> Suspects:
    """Return the functions whose own time per call changed most, from each side under py-spy for some `seconds`.

    A function's time is its share of the samples times what a call takes on that side in `blocks`. Raises nothing:
    where there is no profile, `note` says why.
    """
    times_ns = ns_per_call(benchmark, blocks)
    own: list[dict[str, float]] = []
    notes = [NOT_TESTED]
    for side, call_ns in zip(Side, times_ns, strict=True):
        profile, reason = _profile(stage, side, benchmark, seconds)
        if reason:
            notes.append(f"{side}: {reason}")
        elif profile.total < FEW_SAMPLES:
            notes.append(f"{side}: only {profile.total:.0f} samples, since it waits most of the time.")
        own.append(own_times_ns(profile, call_ns))
    functions = largest_changes(*own, unit="ns") if all(own) else []
    return Suspects(benchmark=benchmark.name, metric=metric, functions=functions, note=" ".join(notes))


def suspects_of(count: Count) -> Suspects:
    """Return the functions whose part of an exact metric changed most: the sites, which are the answer themselves."""
    functions = largest_changes(count.base_sites, count.candidate_sites, unit=unit_of(count.metric))
    agree = len({*count.base}) <= 1 and len({*count.candidate}) <= 1
    note = "Counted: every repetition says the same." if agree else "Of the first repetition of each side."
    return Suspects(benchmark=count.benchmark, metric=count.metric, functions=functions, note=note)


def largest_changes(
    base: Mapping[str, float], candidate: Mapping[str, float], *, unit: str
) -> list[FunctionChange]:
    """Return at most eight functions that differ between the sides, the largest absolute change first."""
    changes = [
        FunctionChange(function=name, base=base.get(name, 0.0), candidate=candidate.get(name, 0.0), unit=unit)
        for name in sorted({*base, *candidate})
    ]
    changes.sort(key=lambda change: -abs(change.candidate - change.base))
    return [change for change in changes if change.base != change.candidate][:MOST_FUNCTIONS]


def ns_per_call(benchmark: Benchmark, blocks: Sequence[Block]) -> tuple[float, float]:
    """Return what a call takes on both sides: medians over the slices of confirmation, or of all blocks without it."""
    usable = [block for block in blocks if benchmark.name in block.slices]
    confirmed = [block for block in usable if block.phase is Phase.CONFIRM]
    slices = [block.slices[benchmark.name] for block in confirmed or usable]
    if not slices:
        return benchmark.base_ns or 0.0, benchmark.candidate_ns or 0.0
    base = statistics.median(wall_ns for one in slices for wall_ns in one.base_ns)
    candidate = statistics.median(wall_ns for one in slices for wall_ns in one.candidate_ns)
    return base / benchmark.calls, candidate / benchmark.calls


def own_times_ns(profile: Profile, call_ns: float) -> dict[str, float]:
    """Return each function's own part of `call_ns`; the parts of an empty profile are none."""
    total = profile.total
    return {name: own / total * call_ns for name, (own, _) in profile.functions().items() if own}


def _profile(stage: Stage, side: str, benchmark: Benchmark, seconds: float) -> tuple[Profile, str]:
    """Return the profile of the benchmark's calls on one side, or an empty one and the reason."""
    served = serve(stage, side, [benchmark.name])
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.closing(served):
            for _, slot in served:
                recording, reason = _record(stage, slot, benchmark, seconds, Path(folder))
                return (_NOTHING if recording is None else _fold(stage, side, recording)), reason
    except HarnessError as error:
        return _NOTHING, str(error)
    return _NOTHING, "the benchmark did not run"


def _record(
    stage: Stage, slot: Slot, benchmark: Benchmark, seconds: float, folder: Path
) -> tuple[cpu.Recording | None, str]:
    slot.use_tool(TOOLS, "allow_reading", os.getpid())
    profiler = cpu.CpuProfiler(
        stage.supervisor, slot.child.pid, folder / "cpu.txt", folder / "py-spy.log", RATE_HZ
    )
    if profiler.start():
        calls = max(1, int(_STEP_NS / max(benchmark.base_ns or 1.0, benchmark.candidate_ns or 1.0, 1.0)))
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s:
            slot.use_tool(TOOLS, "repeat", calls)
    recording = profiler.stop()
    return recording, profiler.reason or ""


def _fold(stage: Stage, side: str, recording: cpu.Recording) -> Profile:
    roots = [str(stage.homes[side].overlay), str(stage.bench.folder)]
    return within_calls(cpu.fold(recording, roots)[0])


def within_calls(profile: Profile) -> Profile:
    """Return what was sampled in the benchmark's calls and, meanwhile, in its threads: not the slot's own work.

    What no Python function did, a call of a built-in by the benchmark itself, is under `(no function)`.
    """
    parts = profile.by_operation()
    stacks: dict[Stack, float] = defaultdict(float)
    for owner in (slot_tools.CALLS, OUTSIDE):
        for stack, weight in parts.get(owner, _NOTHING).stacks.items():
            own = tuple(name for name in stack if frame_path(name) not in _SLOT_FILES)
            stacks[own or (NO_FUNCTION,)] += weight
    return Profile(profile.unit, dict(stacks))
