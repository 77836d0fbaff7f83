"""Names of frames that stay the same when a checkout moves, a line shifts or a process starts again.

A frame is written `qualified.name (module/relative/path.py)`; these are pure functions that read no disk.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import harness
from harness.profiles.stacks.marker import MARKER_PREFIX

ENGINE_ROOT = str(Path(harness.__file__).resolve().parents[1])
"""The folder of the running harness; the harness's own frames lie below it."""

DRIVER = "(driver)"
"""Root of the stacks that belong to the harness: loop, pacer, bookkeeping."""

OUTSIDE = "(outside)"
"""Root of the stacks that belong to no operation: other threads, start, garbage collection."""

CHILDREN = "(child processes)"
"""Root of the stacks of child processes, where they were sampled; below it stands the program of each."""

CHILD = "(child) "
"""Prefix of the frame of a child's program; no function of a source file can have such a name."""

FORKED = f"{CHILD}forked"
"""The program of a child that is a copy of its parent."""


def engine_file(module: str) -> str:
    """Return the path that frames of a module of the harness have: `harness/units.py` for `harness.units`.

    Raises ModuleNotFoundError if there is none, so that code which classifies frames by a module fails when it moves.
    """
    path = f"{module.replace('.', '/')}.py"
    if not Path(ENGINE_ROOT, path).is_file():
        raise ModuleNotFoundError(f"{ENGINE_ROOT} has no {path}: name the module as it is called now")
    return path


CARRYING = engine_file("harness.target.carrying")
"""File that hands work over for a call; its own cost belongs to the driver."""

MARKER_FILE = engine_file("harness.profiles.stacks.marker")
"""File of the operation marker, whose frame is left out of profiles."""

ADAPTERS = frozenset(
    engine_file(f"harness.{module}")
    for module in (
        "target.adapters.asgi", "target.adapters.asgi_visits", "target.adapters.awslambda", "target.adapters.awslambda_visits",
        "target.adapters.cookies", "target.adapters.function", "target.adapters.lifespan", "target.adapters.visitors",
        "target.adapters.wsgi", "target.adapters.wsgi_visits", "target.journeys", "target.loading", "requests.late",
        "requests.saving",
    )
)  # fmt: skip
"""Files of the functions that call an application for the harness; their own cost belongs to their callers."""

_INSTALLED = re.compile(r"^.*/(?:site|dist)-packages/")
_STANDARD = re.compile(r"^.*/lib/python\d+\.\d+/")


def frame(function: str, path: str, roots: Sequence[str] = ()) -> str:
    """Return the key of a frame; `roots` are source folders to strip from the path, the longest first."""
    return f"{function} ({relative_path(path, roots)})"


def frame_path(name: str) -> str:
    """Return the path in a frame's key, or an empty text for roots and frames without a file."""
    if name.startswith(MARKER_PREFIX) or not name.endswith(")"):
        return ""
    return name.rpartition(" (")[2][:-1] if " (" in name else ""


def marker_place(stack: Sequence[str]) -> int | None:
    """Return the place of the marker that a stack of keys belongs to; None if it has none.

    It is the innermost one: a thread that one call has started may work for another. Of several of one operation in a row it is
    the outermost, so that no caller within the call is lost.
    """
    found = None
    for place in range(len(stack) - 1, -1, -1):
        if stack[place].startswith(MARKER_PREFIX):
            if found is not None and stack[place] != stack[found]:
                break
            found = place
    return found


def within(stack: Sequence[str], place: int) -> tuple[str, ...]:
    """Return the stack from the marker at `place` on, without its repetitions and the harness's own frames below it."""
    marker = stack[place]
    return (marker, *(name for name in stack[place:] if name != marker and frame_path(name) not in ADAPTERS))


def child_stack(program: str, stack: Sequence[str]) -> tuple[str, ...]:
    """Return the stack of a child process under the root of them all, below the frame of its `program`.

    A copy of the measured process may carry the marker of the call that made it: then the stack begins there. No child's
    stack is under the root of an operation, because operations count the measured process only.
    """
    place = marker_place(stack)
    if place is not None:
        stack = within(stack, place)
    return (CHILDREN, program, *stack)


def is_plumbing(path: str) -> bool:
    """Tell whether the file at `path` is a framework file that only hands work over: standard library, gevent, anyio, harness."""
    if path.startswith("<") or (_STANDARD.match(path) and not _INSTALLED.match(path)):
        return True
    return relative_path(path).startswith(
        ("gevent/", "greenlet/", "memray/", "anyio/_backends/")
    ) or path.endswith((f"/{CARRYING}", f"/{MARKER_FILE}"))


def relative_path(path: str, roots: Sequence[str] = ()) -> str:
    """Return `path` as its module is imported: `redis/client.py`, `threading.py`, `harness/load.py`.

    Installed packages come first, since a virtual environment may be inside a checkout. A file under no
    known folder keeps its name alone: its folders would differ from one checkout to another.
    """
    for installed in (_INSTALLED, _STANDARD):
        if found := installed.match(path):
            return path[found.end() :]
    for root in sorted(roots, key=len, reverse=True):
        folder = root.rstrip("/") + "/"
        if path.startswith(folder):
            return path[len(folder) :]
    return path if path.startswith("<") else path.rpartition("/")[2]
