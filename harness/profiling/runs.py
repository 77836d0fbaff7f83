"""Run the plan and seed of the timing run again in separate processes under a profiler.

A missing profile is a sentence in its `reason`, never the end of the work.
"""

import dataclasses
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError, RefusedError
from harness.model import Outcome
from harness.processes.fixed import Driver, FixedFacts
from harness.processes.job import Job, Started
from harness.processes.loadrun import LoadPlan, run_load
from harness.processes.measure import MeasuredProcess, Tick
from harness.processes.subject import Subject
from harness.profiles.capture import cpu, memory
from harness.profiles.capture.budget import BUDGET, Overhead, overhead, rate_within
from harness.profiles.capture.memory_children import fold_children
from harness.profiles.facts import CpuFacts
from harness.profiles.stacks.folded import merge, write_folded
from harness.profiling.served import NO_MEMORY, NO_WAITS, busiest, of_server, requests_of
from harness.profiling.waiting import fold_waits, why_none
from harness.reading.summary import summarise
from harness.run.directory import RunDirectory, decode
from harness.run.documents import CpuProfile, MemoryProfile, WaitProfile
from harness.run.facts import LoadFacts
from harness.serving.server import Server
from harness.supervise import Supervisor
from harness.table import calls

MEMORY_REQUESTS = 100
RATE_HZ = 100
_MEMORY_RUN_S = 600.0
_LEAST_WINDOW_S = 1.0
"""Minimum rest of the measured time for sampling to begin again."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sampling:
    """The maximum rate of reading stacks, the share of the time that it may cost, and whether children are sampled too."""

    rate_hz: int = RATE_HZ
    budget: float = BUDGET
    children: bool = False


USUAL = Sampling()


class _CpuRecording:
    """Recording of py-spy from the begin of warm-up to the end of the measured time.

    Where sampling costs more than its budget, it restarts at the rate that keeps it.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        folder: Path,
        duration_s: float,
        tick: Tick,
        sampling: Sampling,
        *,
        of_server: bool,
    ) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._duration_s = duration_s
        self._tick = tick
        self._budget = sampling.budget
        self._rate_hz = sampling.rate_hz
        self._children = sampling.children
        self._of_server = of_server
        self._pid: int | None = None
        self._origin_ns = 0
        self._profiler: cpu.CpuProfiler | None = None
        self.recording: cpu.Recording | None = None
        self.window_ns = (0, 0)

    @property
    def reason(self) -> str | None:
        return self._profiler.reason if self._profiler else "No CPU profile: the run did not begin."

    def attach(self, pid: int, started: Started) -> None:
        self._pid, self._origin_ns = pid, started.origin_ns
        self._begin(pid)

    def tick(self, elapsed_s: float) -> None:
        if self._profiler:
            self._profiler.observe()
            self._keep_budget(self._profiler, elapsed_s)
        if elapsed_s >= self._duration_s:
            self.detach(elapsed_s)
        self._tick(elapsed_s)

    def detach(self, elapsed_s: float) -> None:
        if self._profiler and not self.window_ns[1]:
            self.window_ns = (self.window_ns[0], round(elapsed_s * NS_PER_S))
            self.recording = self._profiler.stop()

    def _begin(self, pid: int) -> None:
        raw, log = self._folder / "pyspy.raw", self._folder / "pyspy.log"
        self._profiler = cpu.CpuProfiler(
            self._supervisor, pid, raw, log, self._rate_hz, children=self._children
        )
        if self._of_server:
            self._profiler.watch(busiest(pid))
        self._profiler.start()
        self.window_ns = (SystemClock.now_ns() - self._origin_ns, 0)

    def _keep_budget(self, profiler: cpu.CpuProfiler, elapsed_s: float) -> None:
        """Restart at a lower rate if sampling costs too much and enough of the run is left."""
        if self._pid is None or self.window_ns[1] or self._duration_s - elapsed_s < _LEAST_WINDOW_S:
            return
        cost = overhead(profiler.looks, profiler.profiler_share, _processors())
        rate_hz = rate_within(self._rate_hz, cost, profiler.looks.looks, self._budget)
        if rate_hz < self._rate_hz and profiler.stop() is not None:
            self._rate_hz = rate_hz
            self._begin(self._pid)


def profile_cpu(
    supervisor: Supervisor,
    subject: Subject,
    plan: LoadPlan,
    folder: Path,
    tick: Tick,
    sampling: Sampling = USUAL,
) -> CpuProfile:
    """Do as `record_cpu`, but return an error as the reason for a missing profile; a refusal is raised."""
    try:
        return record_cpu(supervisor, subject, plan, folder, tick, sampling)
    except RefusedError:
        raise
    except HarnessError as error:
        return CpuProfile(reason=f"No CPU profile: {error}")


def record_cpu(
    supervisor: Supervisor,
    subject: Subject,
    plan: LoadPlan,
    folder: Path,
    tick: Tick,
    sampling: Sampling = USUAL,
) -> CpuProfile:
    """Run the plan under py-spy into a new `folder`; return its facts, with the requests behind the profile."""
    folder.mkdir(parents=True)
    plan = dataclasses.replace(plan, split=False)
    if subject.server:
        # Most servers work in child processes.
        sampling = dataclasses.replace(sampling, children=True)
    recording = _CpuRecording(
        supervisor, folder, plan.duration_s, tick, sampling, of_server=subject.server is not None
    )
    names: list[str] = []
    result = run_load(
        supervisor, subject, plan, folder,
        on_mix=names.extend, tick=recording.tick, on_started=recording.attach,
    )  # fmt: skip
    recording.detach(plan.duration_s)
    result.ending.raise_refusal()
    if recording.recording is None:
        return CpuProfile(reason=recording.reason)
    profile, found = cpu.fold(recording.recording, _roots(subject))
    if subject.server:
        profile = of_server(profile)
    write_folded(folder / "cpu.folded", profile)
    table = calls.load(folder / RunDirectory.CALLS)
    if result.ending.interrupted:
        raise KeyboardInterrupt
    requests = _requests(table, names, recording.window_ns)
    return CpuProfile(
        file="cpu/cpu.folded",
        reason=result.ending.trouble or (result.served.trouble if result.served else None),
        facts=msgspec.structs.replace(
            found,
            child_samples=found.child_samples if sampling.children and not subject.server else None,
            **_cost(recording.recording, sampling.budget),
            **_latency(table),
        ),
        requests=requests_of(requests) if subject.server else requests,
    )


def record_wait(
    supervisor: Supervisor, subject: Subject, plan: LoadPlan, folder: Path, tick: Tick
) -> WaitProfile:
    """Run the plan with the switch hook into a new `folder`; return its facts, with the requests behind the profile."""
    if subject.server:
        return WaitProfile(reason=NO_WAITS)
    folder.mkdir(parents=True)
    plan = dataclasses.replace(plan, split=True, waits=True)
    names: list[str] = []
    result = run_load(supervisor, subject, plan, folder, on_mix=names.extend, tick=tick)
    if result.ending.interrupted:
        raise KeyboardInterrupt
    result.ending.raise_refusal()
    if none := why_none(decode(folder / RunDirectory.FACTS, LoadFacts)):
        return WaitProfile(reason=none)
    profiles = fold_waits(folder, _roots(subject))
    if isinstance(profiles, str):
        return WaitProfile(reason=profiles)
    write_folded(folder / "wait.folded", profiles.waiting)
    table = calls.load(folder / RunDirectory.CALLS)
    every = (np.iinfo(np.int64).min, np.iinfo(np.int64).max)
    return WaitProfile(
        file="wait/wait.folded",
        reason=result.ending.trouble,
        facts=profiles.facts,
        requests=_requests(table[table["intended_ns"] >= 0], names, every),
    )


def _requests(table: calls.Table, names: list[str], window_ns: tuple[int, int]) -> dict[str, int]:
    """Return the number of calls of each operation that completed while the profiler sampled."""
    done = table[np.isin(table["outcome"], [outcome for outcome in Outcome if outcome.returned])]
    inside = done[(done["completed_ns"] >= window_ns[0]) & (done["completed_ns"] <= window_ns[1])]
    counts = np.bincount(inside["operation"], minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True)}


def _cost(recording: cpu.Recording, budget: float) -> dict[str, float]:
    """Return the actual and the allowed cost of sampling to the process, as shares of the time."""
    cost = overhead(recording.looks, recording.profiler_share, _processors())
    found = {} if cost is None else {
        "looks": recording.looks.looks,
        "overhead_share": cost.share, "overhead_low_share": cost.low, "overhead_high_share": cost.high,
    }  # fmt: skip
    return {"overhead_budget_share": budget, **found}


def next_sampling(sampling: Sampling, facts: CpuFacts) -> Sampling:
    """Return how to sample the next run of the same side, from the cost of sampling in this one."""
    share, low, high = facts.overhead_share, facts.overhead_low_share, facts.overhead_high_share
    cost = None if share is None or low is None or high is None else Overhead(share, low, high)
    rate_hz = sampling.rate_hz if facts.rate_asked_hz is None else facts.rate_asked_hz
    return dataclasses.replace(
        sampling, rate_hz=rate_within(rate_hz, cost, facts.looks or 0, sampling.budget)
    )


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _roots(subject: Subject) -> list[str]:
    """Return the source folders that paths are relative to: the running tree, and the tree of a side with its own."""
    overlay = [str(subject.overlay.resolve())] if subject.overlay else []
    tree = [str(subject.server.place.tree)] if isinstance(subject.server, Server) else []
    return [*overlay, *tree, str(Path.cwd())]


def _latency(table: calls.Table) -> dict[str, Any]:
    """Return the service time under the profiler; compared with the timing run's it gives the cost of the profiler."""
    service = summarise("profiled", table[table["intended_ns"] >= 0]).histograms["service_ns"]
    return {"service_p50_ns": service.supported_percentile(0.5), "service_mean_ns": service.mean}


def profile_memory(
    supervisor: Supervisor, subject: Subject, plan: LoadPlan, folder: Path, *, follow_fork: bool = False
) -> MemoryProfile:
    """Do as `record_memory`, with errors handled as in `profile_cpu`."""
    try:
        return record_memory(supervisor, subject, plan, folder, follow_fork=follow_fork)
    except RefusedError:
        raise
    except HarnessError as error:
        return MemoryProfile(reason=f"No memory profile: {error}")


def record_memory(
    supervisor: Supervisor, subject: Subject, plan: LoadPlan, folder: Path, *, follow_fork: bool = False
) -> MemoryProfile:
    """Make a fixed list of requests under memray into a new `folder`; return its facts.

    With `follow_fork` the profile includes the allocations of forks, below a root of their own.
    """
    if subject.server:
        return MemoryProfile(reason=NO_MEMORY)
    folder.mkdir(parents=True)
    job = Job(
        kind="memory", folder=str(folder.resolve()), factory=subject.factory,
        parameters=dict(subject.parameters), seed=plan.seed, requests=MEMORY_REQUESTS,
        follow_fork=follow_fork, overlay=str(subject.overlay.resolve()) if subject.overlay else None,
    )  # fmt: skip
    with MeasuredProcess(supervisor, job, folder / "worker.log", subject.environment) as process:
        process.send_go(plan.mix(process.wait_ready()))
        process.wait_done(_MEMORY_RUN_S)
    profiles = memory.fold(folder / Driver.RECORD, _roots(subject))
    done = decode(folder / Driver.FACTS, FixedFacts)
    facts = msgspec.structs.replace(profiles.facts, failed=done.failed)
    allocations, sizes = profiles.allocations, profiles.bytes
    if follow_fork and not done.not_followed:
        *of_children, facts = fold_children(
            facts, folder / Driver.RECORD, folder / "worker.log", _roots(subject)
        )
        allocations, sizes = (merge(both) for both in zip((allocations, sizes), of_children, strict=True))
    write_folded(folder / "memory.folded", allocations)
    write_folded(folder / "bytes.folded", sizes)
    write_folded(folder / "peak.folded", profiles.peak)
    write_folded(folder / "leaks.folded", profiles.leaks)
    return MemoryProfile(
        file="memory/memory.folded", reason=done.not_followed or None, facts=facts, requests=done.requests
    )
