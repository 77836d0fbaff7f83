"""Profile both sides of a regression with py-spy, in rounds: each a fresh process of either side, in random order.

The replicate is the process, not the sample: only interleaved profiles of several processes a side separate a code
change from a drift of the machine.
"""

import contextlib
import dataclasses
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.exact import slot_tools
from harness.exact.frames import measured_frames
from harness.exact.serving import serve
from harness.exact.suite import TOOLS
from harness.profiles.capture import cpu
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import OUTSIDE
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.profiling.turns import Turns
from harness.session.receipt import Benchmark, Side
from harness.session.slots.block import Stage
from harness.session.slots.slot import Slot
from harness.supervise import private_folder

ROUNDS = 5
SECONDS = 1.0
"""Profiling time of each benchmark in each process."""
MOST_S = 120.0
"""Time after which no round begins."""
RATE_HZ = 400
ROOT = MARKER_PREFIX + slot_tools.CALLS
_STEP_NS = 200_000_000
_LAUNCH_S = 2.0
_ATTACH_S = 1.0
_NOTHING = Profile("samples", {})


@dataclasses.dataclass(slots=True)
class Profiled:
    """The profiles of one benchmark by side, one for each round, and the reasons for missing ones."""

    by_side: dict[Side, list[Profile]] = dataclasses.field(
        default_factory=lambda: {side: [] for side in Side}
    )
    reasons: dict[Side, str] = dataclasses.field(default_factory=dict)

    @property
    def rounds(self) -> int:
        """The number of rounds that both sides have."""
        return min(map(len, self.by_side.values()))


def seconds_needed(benchmarks: int, seconds: float = SECONDS) -> float:
    """Return the approximate time of the rounds of some benchmarks, in seconds; no round begins after `MOST_S`."""
    return min(2 * ROUNDS * (_LAUNCH_S + benchmarks * (seconds + _ATTACH_S)), MOST_S)


def profile_rounds(
    stage: Stage,
    benchmarks: Sequence[Benchmark],
    seed: int,
    seconds: float = SECONDS,
    rounds: int = ROUNDS,
    most_s: float = MOST_S,
) -> dict[str, Profiled]:
    """Return the profiles of each benchmark, made in turns. Raises nothing: a missing profile has a reason."""
    found = {one.name: Profiled() for one in benchmarks}
    turns = Turns(list(Side), seed)
    for _ in turns.rounds(rounds, most_s):
        for side in turns.order():
            for name, profile, reason in _profile_side(stage, side, benchmarks, seconds):
                if profile.total:
                    found[name].by_side[side].append(profile)
                elif reason:
                    found[name].reasons[side] = reason
    return found


def _profile_side(
    stage: Stage, side: Side, benchmarks: Sequence[Benchmark], seconds: float
) -> Iterator[tuple[str, Profile, str]]:
    """Yield (name, profile of its calls, reason for an empty profile) of each benchmark, from one process."""
    by_name = {one.name: one for one in benchmarks}
    missing, reason = dict.fromkeys(by_name), "the benchmark did not run"
    served = serve(stage, side, list(by_name))
    try:
        with private_folder() as folder, contextlib.closing(served):
            for name, slot in served:
                recording, why = _record(stage, slot, by_name[name], seconds, folder)
                del missing[name]
                yield name, _NOTHING if recording is None else _fold(stage, side, recording), why
    except HarnessError as error:
        reason = str(error)
    for name in missing:
        yield name, _NOTHING, reason


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
    roots = stage.code_of(side)
    return within_calls(cpu.fold(recording, roots)[0])


def within_calls(profile: Profile) -> Profile:
    """Return the samples of the benchmark's calls and, meanwhile, of its threads, without the slot's own work.

    The first are under `ROOT`, the others under `(outside)`. Samples without a Python function, in a built-in that
    the benchmark itself calls, are `(no function)`.
    """
    stacks: dict[tuple[str, ...], float] = defaultdict(float)
    for (root, *rest), weight in profile.stacks.items():
        if root in {ROOT, OUTSIDE}:
            stacks[root, *measured_frames(rest)] += weight
    return Profile(profile.unit, dict(stacks))
