"""Convert py-spy's raw text to a profile by operation: assign each stack to its owner, and drop the impossible ones.

Every sample is counted exactly once: as an operation, driver, outside of both, idle, pacer, or torn.
"""

import dataclasses
import functools
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import harness
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import (
    CHILD,
    CHILDREN,
    DRIVER,
    OUTSIDE,
    child_stack,
    engine_file,
    frame,
    frame_path,
    marker_place,
    within,
)
from harness.profiles.stacks.idle import HUB_RUN, is_waiting
from harness.profiles.stacks.marker import MARKER_PREFIX, operation_of
from harness.profiles.stacks.weighted import Stack

# Full file names start with `/` or `<`; a name never holds ` (/`, since markers escape their brackets.
_FRAME = re.compile(r"(?P<name>.+?) \((?P<path>[/<].*?)(?::(?P<line>\d+))?\)$")
_RELATIVE_FRAME = re.compile(r"(?P<name>.+) \((?P<path>.+?)(?::(?P<line>\d+))?\)$")
_HUB_PATH = "gevent/hub.py"
_PACING = f"._wait_until ({engine_file('harness.load.open_model')})"
_THREAD_ROOTS = ("Thread._bootstrap (threading.py)", "_bootstrap (threading.py)", "<module> (")


@dataclasses.dataclass(frozen=True, slots=True)
class Sorted:
    """A profile, and the samples left out of it: `idle` (waiting), `paced` (of the pacer) and `torn` (impossible stacks).

    In a paced sample only the pacer used CPU: between looks at the clock it lets others run.
    """

    profile: Profile
    idle: int
    paced: int
    torn: int

    @property
    def of_children(self) -> int:
        """Samples of child processes in the profile."""
        return int(self.profile.under(CHILDREN))


def sort_stacks(text: str, roots: Sequence[str] = (), *, may_tear: bool = False) -> Sorted:
    """Return the profile in py-spy's raw text; `roots` are the source folders that paths are relative to.

    `may_tear` means that the process ran on while its stacks were read: then a stack without an operation whose
    first frame starts no thread is torn. Without it such a stack belongs to a greenlet of the target. A row that begins
    with the frame of a child's program, as `pyspy_children` writes it, belongs to that child.
    """
    read = functools.cache(lambda text: _read_frame(text, tuple(roots)))
    stacks: dict[Stack, int] = defaultdict(int)
    lines: dict[str, Counter[int]] = defaultdict(Counter)
    lines_of_children: dict[str, Counter[int]] = defaultdict(Counter)
    dropped = {"idle": 0, "paced": 0, "torn": 0}
    for row in filter(None, text.split("\n")):
        raw, _, number = row.rpartition(" ")
        samples = int(number) if number.isdecimal() else 1
        names = raw.split(";")
        program = names.pop(0) if names[0].startswith(CHILD) else None
        read_frames = [read(name) for name in names]
        frames = [found for found in read_frames if found]
        whole = len(frames) == len(read_frames)
        place = _place(tuple(name for name, _ in frames), program, may_tear=may_tear) if whole else "torn"
        if isinstance(place, str):
            dropped[place] += samples
            continue
        stacks[place] += samples
        for name, line in frames:
            (lines_of_children if program else lines)[name][line] += samples
    kept = {name for stack in stacks for name in stack}
    # A function that the measured process has too keeps the line it has without the children.
    both = {**lines_of_children, **lines}
    heaviest = {name: found.most_common(1)[0][0] for name, found in both.items() if name in kept}
    profile = Profile("samples", dict(stacks), {name: line for name, line in heaviest.items() if line})
    return Sorted(profile, **dropped)


def _read_frame(text: str, roots: tuple[str, ...]) -> tuple[str, int] | None:
    """Return key and line of one frame (0 if it has none); None if the text is no frame."""
    found = _FRAME.match(text) or _RELATIVE_FRAME.match(text)
    if found is None:
        return None
    operation = operation_of(found["name"])
    if operation is not None:
        return MARKER_PREFIX + operation, 0
    return frame(found["name"], found["path"], roots), int(found["line"] or 0)


def _place(stack: Stack, program: str | None, *, may_tear: bool) -> Stack | str:
    """Return the stack under the root that owns it, or the reason for dropping it; `program` is that of a child process."""
    if program is not None:
        # A thread that starts or ends has no frame.
        return "idle" if stack and is_waiting(stack[-1]) else child_stack(program, stack)
    is_driver = any(_drives(name) for name in stack)
    if dropped := _dropped(stack, may_tear=may_tear, is_driver=is_driver):
        return dropped
    place = marker_place(stack)
    if place is not None:
        return within(stack, place)
    return (DRIVER if is_driver else OUTSIDE, *stack)


def _dropped(stack: Stack, *, may_tear: bool, is_driver: bool) -> str:
    """Return the reason for leaving a stack out of the profile; empty for one that belongs to it."""
    if _is_torn(stack, may_tear=may_tear):
        return "torn"
    if is_waiting(stack[-1]):
        return "idle"
    if marker_place(stack) is not None:
        return ""
    if any(_paces(name) for name in stack):
        return "paced"
    is_rootless = may_tear and not is_driver and not stack[0].startswith(_THREAD_ROOTS)
    return "torn" if is_rootless else ""


def _is_torn(stack: Stack, *, may_tear: bool) -> bool:
    """Tell whether a frame stands on another that cannot call it: the stack was read while it changed."""
    markers = {name for name in stack if name.startswith(MARKER_PREFIX)}
    # A thread that one call started may work for another, but that is rarer than a torn stack.
    if (may_tear and len(markers) > 1) or (markers and HUB_RUN in stack):
        return True
    # gevent's hub calls only callbacks; frames that its `sleep` seems to call belong to another stack.
    return any(
        frame_path(caller) == _HUB_PATH and caller != HUB_RUN and not frame_path(called).startswith("gevent/")
        for caller, called in itertools.pairwise(stack)
    )


def _paces(name: str) -> bool:
    return name.endswith(_PACING)


def _drives(name: str) -> bool:
    path = frame_path(name)
    return path.startswith((f"{harness.__name__}/", "locust/")) or name == HUB_RUN
