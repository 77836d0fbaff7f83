"""Run tools in a slot: trace the allocations of its benchmark's calls, and make calls for a profiler.

Run inside the slot by its path; imports nothing of the harness, because the side may be the harness. Each function gets
`run(calls)`, which makes the calls, and puts it under the operation marker that our profile readers recognise. The calls of
an async function are made in `run.loop` by `run.batch(calls)`.
"""

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

NOTHING = "nothing"
CALLS = "calls"
_MARKER_PREFIX = "operation:"
_PR_SET_PTRACER = 0x59616D61

Run = Callable[[int], object]


def trace(run: Run, calls: int, record: str, packages: str, untraced: int) -> str:
    """Trace no call, as `nothing`, and then `calls` calls, as `calls`, into the memray file `record`.

    Return why the record misses some of their allocations; empty where it is complete. Before that, make
    `untraced` calls. No garbage is collected meanwhile. The cost of making calls is in both parts.
    `packages` is the folder with memray, if the side's own environment lacks it.
    """
    tracker, loop = _tracker(record, packages), getattr(run, "loop", None)
    if untraced:
        run(untraced)
    make_none, make_calls = running(NOTHING), running(CALLS)
    with _loaded("target/carrying.py").Carrier() as carrier:
        settle, children = _loaded("processes/settling.py").settle, _loaded("processes/children.py")
        if loop:
            # Tasks stand still while the loop does: those of the calls before would go on in the traced part.
            settle(loop)
        before = children.usage()
        gc.collect()
        gc.disable()
        try:
            with tracker:
                _carry(carrier, make_none, run, 0)
                _carry(carrier, make_calls, run, calls)
                settle(loop)
        finally:
            gc.enable()
        return str(children.unseen(before))


def _carry(carrier: Any, runner: Callable[..., object], run: Run, calls: int) -> None:
    batch = getattr(run, "batch", None)
    if batch is None:
        carrier.run(runner, run, calls)
    else:
        # Only the steps of the calls: the loop between them is nobody's.
        run.loop.run(carrier.awaited(runner, batch, calls))  # type: ignore[attr-defined]


def _loaded(path: str) -> Any:
    """Return a module of the engine by its path: the side's own tree may have another module of that name."""
    file = Path(__file__).resolve().parent.parent / path
    spec = importlib.util.spec_from_file_location(f"_slot_{file.stem}", file)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - it is a Python file
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _tracker(record: str, packages: str) -> Any:
    # Last on the path and only for this moment, so that nothing of the side's own comes from there.
    sys.path.append(packages)
    try:
        memray = importlib.import_module("memray")
        return memray.Tracker(
            destination=memray.FileDestination(record, overwrite=True),
            native_traces=False,
            trace_python_allocators=True,
            file_format=memray.FileFormat.ALL_ALLOCATIONS,
        )
    finally:
        sys.path.remove(packages)


def repeat(run: Run, calls: int) -> None:
    """Make the calls under the marker `calls`, for a profiler of this process."""
    if hasattr(run, "batch"):
        with _loaded("target/carrying.py").Carrier() as carrier:
            _carry(carrier, running(CALLS), run, calls)
    else:
        under_marker(run, CALLS)(calls)


def allow_reading(_run: Run, pid: int) -> None:
    """Let process `pid` and its children read this one, where the kernel would allow only its ancestors."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(pid), 0, 0, 0)


def under_marker(run: Run, operation: str) -> Run:
    """Return `run`, called by a function whose code is named by the marker."""

    def make(calls: int) -> object:
        return run(calls)

    _rename(make, operation)
    return make


def running(operation: str) -> Callable[..., object]:
    """Return a function that calls its first argument under the marker: of (function, *args, **kwargs)."""

    def make(function: Callable[..., object], /, *args: Any, **kwargs: Any) -> object:
        return function(*args, **kwargs)

    _rename(make, operation)
    return make


def _rename(make: Any, operation: str) -> None:
    name = _MARKER_PREFIX + operation
    make.__code__ = make.__code__.replace(co_name=name, co_qualname=name)
