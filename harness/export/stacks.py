"""The stacks of one side as the writers of profile formats take them."""

import dataclasses

from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import frame_path
from harness.profiles.stacks.marker import MARKER_PREFIX


@dataclasses.dataclass(frozen=True, slots=True)
class Stacks:
    """One profile of one side of a run; `name` is that of its file: `cpu`, `wait`, `peak`."""

    name: str
    side: str
    profile: Profile
    began_unix_s: float = 0.0
    """Start of the profiled time; 0 where it is unknown."""
    seconds: float = 0.0
    """Length of the profiled time; 0 where it is unknown."""
    ns_per_sample: float | None = None
    """CPU time that one sample stands for; None for other units, and where the rate is unknown."""


def operation_of_root(root: str) -> str:
    """Return the operation that a root frame stands for; an empty text for stacks of no operation."""
    return root.removeprefix(MARKER_PREFIX) if root.startswith(MARKER_PREFIX) else ""


def function_and_file(frame: str) -> tuple[str, str]:
    """Return the qualified name and the path in a frame's key; roots and builtins have an empty path."""
    path = frame_path(frame)
    return (frame[: -len(path) - 3], path) if path else (frame, "")
