"""Trace exact memory: allocations per request and peak bytes of each operation, with the functions that allocate."""

import dataclasses
from pathlib import Path

from harness.exact.counting import failures_of
from harness.exact.frames import measured_frames
from harness.exact.metrics import ALLOCATIONS, FAILURES, PEAK_BYTES
from harness.exact.process import ExactPlan, read_facts, run_list
from harness.exact.repetition import Repetition, Value
from harness.processes.subject import Subject
from harness.processes.traced import Driver, TraceFacts
from harness.profiles.capture import memory
from harness.profiles.capture.memory import MemoryProfiles
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import CARRYING, frame_path
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.supervise import Supervisor


def trace_once(supervisor: Supervisor, subject: Subject, plan: ExactPlan, folder: Path) -> Repetition:
    """Trace one repetition in a fresh process, into `folder`. Raises the errors that the process reports."""
    file = run_list(supervisor, subject, plan, "trace", folder)
    facts = read_facts(folder / Driver.FACTS, TraceFacts)
    # Code objects contain the paths of their files as imported: through the overlay.
    roots = [str(subject.overlay.resolve())] if subject.overlay else [str(Path.cwd())]
    values = {
        operation: {
            FAILURES: failures_of(operation, facts.failures, facts.requests),
            **with_unseen(
                memory_values(folder / record, operation, facts.requests, roots),
                facts.unseen.get(operation, ""),
            ),
        }
        for operation, record in facts.records.items()
    }
    return Repetition(facts.requests, values, file)


def with_unseen(values: dict[str, Value], why: str) -> dict[str, Value]:
    """Return the values with the reason why some of them may be incomplete."""
    return {metric: dataclasses.replace(value, unseen=why) for metric, value in values.items()}


def memory_values(record: Path, operation: str, requests: int, roots: list[str]) -> dict[str, Value]:
    """Return both metrics of one operation's record: the events within its marker.

    `peak_bytes` is the part of the process's peak that the whole list of requests allocated.
    """
    profiles = memory.fold(record, roots)
    elsewhere = share_elsewhere(profiles, requests, operation)
    return {
        ALLOCATIONS: _value(profiles.allocations, operation, 1 / requests, elsewhere),
        PEAK_BYTES: _value(profiles.peak, operation, 1.0, elsewhere),
    }


def share_elsewhere(profiles: MemoryProfiles, requests: int, *operations: str) -> float:
    """Return the share of the target's allocations outside of the calls of `operations`.

    Fewer than one a request count as none: work that each call leaves to another thread allocates at least once.
    """
    counts = profiles.facts.allocations_per_operation or {}
    within = sum(counts.get(operation, 0) for operation in operations)
    elsewhere = (profiles.facts.elsewhere_allocations or 0) + sum(counts.values()) - within
    return elsewhere / (elsewhere + within) if elsewhere >= requests else 0.0


def own_weights(profile: Profile, operation: str) -> dict[str, float]:
    """Return the self cost of each function within the marker of an operation.

    Attributes the harness's frames to no function, and leaves out the overhead of carrying a call.
    """
    own: dict[str, float] = {}
    for stack, weight in profile.stacks.items():
        if stack[0] == MARKER_PREFIX + operation and frame_path(stack[-1]) != CARRYING:
            name = measured_frames(stack)[-1]
            own[name] = own.get(name, 0.0) + weight
    return own


def _value(profile: Profile, operation: str, scale: float, elsewhere: float) -> Value:
    own = own_weights(profile, operation)
    sites = {name: weight * scale for name, weight in own.items()}
    return Value(sum(own.values()) * scale, sites, elsewhere)
