"""Whose work a stack is: the harness calls a benchmark or a target, and is never a suspect itself."""

from collections.abc import Sequence

from harness.profiles.stacks.frames import CARRYING, frame_path

NO_FUNCTION = "(no function)"
"""What no Python function did: the harness called something built in, as the benchmark or target asked."""
_CALLERS = frozenset(
    {
        "",
        CARRYING,
        "harness/exact/slot_tools.py",
        "harness/target/invoke.py",
        "harness/profiles/stacks/marker.py",
        "harness/processes/one_user.py",
        "harness/processes/traced.py",
        "harness/session/slot_program.py",
        "harness/target/loading.py",
    }
)
"""Files of the harness that stand between the operation's marker and what is measured; a frame without a file as well."""


def measured_frames(frames: Sequence[str]) -> tuple[str, ...]:
    """Return the frames of a stack without the harness's own, the outermost first; never empty."""
    return tuple(name for name in frames if frame_path(name) not in _CALLERS) or (NO_FUNCTION,)
