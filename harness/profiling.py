"""Profile runs: the same plan and seed as the timing run, in processes of their own, with a profiler.

A profile that cannot be had is a sentence in `ProfileFacts.reason`, never the end of the work.
"""

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from harness import calls
from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError
from harness.fixed import Driver, FixedFacts
from harness.job import Job, Started
from harness.loadrun import LoadPlan, Subject, run_load
from harness.measure import MeasuredProcess, Tick
from harness.model import Outcome
from harness.profiles import cpu, memory
from harness.profiles.folded import write_folded
from harness.run import ProfileFacts, RunDirectory
from harness.summary import summarise
from harness.supervise import Supervisor

MEMORY_REQUESTS = 100
_MEMORY_RUN_S = 600.0


class _CpuRecording:
    """Attaches py-spy when warm-up begins and detaches it when the measured time is over."""

    def __init__(self, supervisor: Supervisor, folder: Path, duration_s: float, tick: Tick) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._duration_s = duration_s
        self._tick = tick
        self._profiler: cpu.CpuProfiler | None = None
        self.recording: cpu.Recording | None = None
        self.window_ns = (0, 0)

    @property
    def reason(self) -> str | None:
        return self._profiler.reason if self._profiler else "No CPU profile: the run did not begin."

    def attach(self, process: MeasuredProcess, started: Started) -> None:
        raw, log = self._folder / "pyspy.raw", self._folder / "pyspy.log"
        self._profiler = cpu.CpuProfiler(self._supervisor, process.pid, raw, log)
        self._profiler.start()
        self.window_ns = (SystemClock.now_ns() - started.origin_ns, 0)

    def tick(self, elapsed_s: float) -> None:
        if self._profiler:
            self._profiler.observe()
        if elapsed_s >= self._duration_s:
            self.detach(elapsed_s)
        self._tick(elapsed_s)

    def detach(self, elapsed_s: float) -> None:
        if self._profiler and not self.window_ns[1]:
            self.window_ns = (self.window_ns[0], round(elapsed_s * NS_PER_S))
            self.recording = self._profiler.stop()


def profile_cpu(
    supervisor: Supervisor, subject: Subject, plan: LoadPlan, directory: RunDirectory, tick: Tick
) -> ProfileFacts:
    """Run the plan under py-spy into `cpu/`; returns its facts, with the requests behind the profile."""
    folder = directory.path / "cpu"
    folder.mkdir()
    plan = dataclasses.replace(plan, split=False)
    recording = _CpuRecording(supervisor, folder, plan.duration_s, tick)
    names: list[str] = []
    try:
        result = run_load(
            supervisor, subject, plan, folder,
            on_mix=names.extend, tick=recording.tick, on_started=recording.attach,
        )  # fmt: skip
        recording.detach(plan.duration_s)
        if recording.recording is None:
            return ProfileFacts(reason=recording.reason)
        profile, facts = cpu.fold(recording.recording, [str(Path.cwd())])
        write_folded(folder / "cpu.folded", profile)
        table = calls.load(folder / RunDirectory.CALLS)
    except HarnessError as error:
        return ProfileFacts(reason=f"No CPU profile: {error}")
    if result.ending.interrupted:
        raise KeyboardInterrupt
    return ProfileFacts(
        file="cpu/cpu.folded",
        reason=result.ending.trouble,
        facts={**dataclasses.asdict(facts), **_latency(table)},
        requests=_requests(table, names, recording.window_ns),
    )


def _requests(table: calls.Table, names: list[str], window_ns: tuple[int, int]) -> dict[str, int]:
    """Count the calls of each operation that completed while the profiler sampled."""
    done = table[np.isin(table["outcome"], [outcome for outcome in Outcome if outcome.returned])]
    inside = done[(done["completed_ns"] >= window_ns[0]) & (done["completed_ns"] <= window_ns[1])]
    counts = np.bincount(inside["operation"], minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True)}


def _latency(table: calls.Table) -> dict[str, Any]:
    """Return the service time under the profiler: against the timing run's, what the profiler cost."""
    service = summarise("profiled", table[table["intended_ns"] >= 0]).histograms["service_ns"]
    return {"service_p50_ns": service.supported_percentile(0.5), "service_mean_ns": service.mean}


def profile_memory(
    supervisor: Supervisor, subject: Subject, plan: LoadPlan, directory: RunDirectory
) -> ProfileFacts:
    """Make a fixed list of requests under memray into `memory/`; returns its facts."""
    folder = directory.path / "memory"
    folder.mkdir()
    job = Job(
        kind="memory", folder=str(folder.resolve()), factory=subject.factory,
        parameters=dict(subject.parameters), seed=plan.seed, requests=MEMORY_REQUESTS,
    )  # fmt: skip
    try:
        with MeasuredProcess(supervisor, job, folder / "worker.log", subject.environment) as process:
            process.send_go(plan.mix(process.offered_operations()))
            process.wait_done(_MEMORY_RUN_S)
        profiles = memory.fold(folder / Driver.RECORD, [str(Path.cwd())])
        done = msgspec.json.decode((folder / Driver.FACTS).read_bytes(), type=FixedFacts)
    except (HarnessError, OSError, msgspec.DecodeError) as error:
        return ProfileFacts(reason=f"No memory profile: {error}")
    write_folded(folder / "memory.folded", profiles.allocations)
    write_folded(folder / "bytes.folded", profiles.bytes)
    write_folded(folder / "peak.folded", profiles.peak)
    facts = {**dataclasses.asdict(profiles.facts), "failed": done.failed}
    return ProfileFacts(file="memory/memory.folded", facts=facts, requests=done.requests)
