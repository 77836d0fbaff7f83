"""Whose work a stack is: the harness calls a benchmark or a target, and is never a suspect itself."""

from collections.abc import Sequence

from harness.profiles.stacks.frames import CARRYING, MARKER_FILE, engine_file, frame_path

NO_FUNCTION = "(no function)"
"""What no Python function did: the harness called something built in, as the benchmark or target asked."""
_CALLERS = frozenset(
    {
        "",
        CARRYING,
        engine_file("harness.exact.slot_tools"),
        engine_file("harness.target.invoke"),
        MARKER_FILE,
        engine_file("harness.processes.one_user"),
        engine_file("harness.processes.traced"),
        engine_file("harness.session.slots.slot_program"),
        engine_file("harness.target.loading"),
    }
)
"""Files of the harness that stand between the operation's marker and what is measured; a frame without a file as well."""


def measured_frames(frames: Sequence[str]) -> tuple[str, ...]:
    """Return the frames of a stack without the harness's own, the outermost first; never empty."""
    return tuple(name for name in frames if frame_path(name) not in _CALLERS) or (NO_FUNCTION,)
