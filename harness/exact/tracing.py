"""Exact memory: allocations per request and peak bytes of each operation, with the functions that allocate."""

from pathlib import Path

from harness.exact.frames import measured_frames
from harness.exact.metrics import ALLOCATIONS, FAILURES, PEAK_BYTES
from harness.exact.process import ExactPlan, read_facts, run_list
from harness.exact.repetition import Repetition, Value
from harness.marker import MARKER_PREFIX
from harness.processes.loadrun import Subject
from harness.processes.traced import Driver, TraceFacts
from harness.profiles import memory
from harness.profiles.folded import Profile
from harness.supervise import Supervisor


def trace_once(supervisor: Supervisor, subject: Subject, plan: ExactPlan, folder: Path) -> Repetition:
    """Trace one repetition in a fresh process, into `folder`. Raises what the process reports."""
    file = run_list(supervisor, subject, plan, "trace", folder)
    facts = read_facts(folder / Driver.FACTS, TraceFacts)
    # Code objects spell their files as they were found: through the overlay.
    roots = [str(subject.overlay.resolve())] if subject.overlay else [str(Path.cwd())]
    values = {
        operation: {
            FAILURES: Value(facts.failed.get(operation, 0) / facts.requests),
            **memory_values(folder / record, operation, facts.requests, roots),
        }
        for operation, record in facts.records.items()
    }
    return Repetition(facts.requests, values, file)


def memory_values(record: Path, operation: str, requests: int, roots: list[str]) -> dict[str, Value]:
    """Return both metrics of one operation's record: what happened within its marker.

    `peak_bytes` is what was held at the moment when the process held most, of what the whole list allocated.
    """
    profiles = memory.fold(record, roots)
    return {
        ALLOCATIONS: _value(profiles.allocations, operation, 1 / requests),
        PEAK_BYTES: _value(profiles.peak, operation, 1.0),
    }


def own_weights(profile: Profile, operation: str) -> dict[str, float]:
    """Return what each function weighs by itself within the marker of an operation; the harness's own is nobody's."""
    own: dict[str, float] = {}
    for stack, weight in profile.stacks.items():
        if stack[0] == MARKER_PREFIX + operation:
            name = measured_frames(stack)[-1]
            own[name] = own.get(name, 0.0) + weight
    return own


def _value(profile: Profile, operation: str, scale: float) -> Value:
    own = own_weights(profile, operation)
    return Value(sum(own.values()) * scale, {name: weight * scale for name, weight in own.items()})
