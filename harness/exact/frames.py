"""Separate the harness's frames from those of the measured code: the harness is never a suspect."""

from collections.abc import Sequence

from harness.profiles.stacks.frames import ADAPTERS, CARRYING, MARKER_FILE, engine_file, frame_path

NO_FUNCTION = "(no function)"
"""Stand-in for work without a Python function: a built-in that the harness called for the benchmark or target."""
_CALLERS = frozenset(
    {
        "",
        CARRYING,
        engine_file("harness.exact.slot_tools"),
        engine_file("harness.target.invoke"),
        MARKER_FILE,
        engine_file("harness.processes.one_user"),
        engine_file("harness.processes.traced"),
        engine_file("harness.session.slots.slot_benchmark"),
        engine_file("harness.session.slots.slot_program"),
        *ADAPTERS,
        engine_file("harness.target.eventloop"),
    }
)
"""Files of the harness between the operation's marker and the measured code; also frames without a file."""


def measured_frames(frames: Sequence[str]) -> tuple[str, ...]:
    """Return the frames of a stack without the harness's, the outermost first; never empty."""
    return tuple(name for name in frames if frame_path(name) not in _CALLERS) or (NO_FUNCTION,)
