"""Count the instructions of a benchmark's calls: a tool of slots that run under Callgrind.

Run inside the slot by its path, with `rewind` (of the benchmark) among its globals; imports nothing of the harness, because
the side may be the harness. Callgrind is told what to do by client requests: instructions that do nothing on a CPU, and that
Valgrind recognises. They are made here as machine code, so that neither a compiler nor Valgrind's headers are needed.
"""

import ctypes
import functools
import gc
import mmap
import os
import platform
import random
import runpy
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[int], object]

CODE = {
    "x86_64": bytes.fromhex(
        "4889f8"  # mov rax, rdi: the words of the request
        "4889f2"  # mov rdx, rsi: the answer outside of Valgrind
        "48c1c703 48c1c70d 48c1c73d 48c1c733"  # rol rdi by 3, 13, 61, 51: the mark of all requests, a full turn
        "4887db"  # xchg rbx, rbx: rdx = answer to the request in rax
        "4889d0 c3"  # mov rax, rdx; ret
    ),
    "aarch64": struct.pack(
        "<9I",
        0xAA0003E4,  # mov x4, x0: the words of the request
        0xAA0103E3,  # mov x3, x1: the answer outside of Valgrind
        *(0x93CC0D8C, 0x93CC358C, 0x93CCCD8C, 0x93CCF58C),  # ror x12 by 3, 13, 51, 61: a full turn
        0xAA0A014A,  # orr x10, x10, x10: x3 = answer to the request in x4
        *(0xAA0303E0, 0xD65F03C0),  # mov x0, x3; ret
    ),
}
"""Function of (address of six words, answer without Valgrind) on each architecture, for its C calling convention."""
_RUNNING_ON_VALGRIND = 0x1001
_DUMP, _ZERO, _TOGGLE, _START, _STOP = (ord("C") << 24 | ord("T") << 16 | one for one in (0, 1, 2, 4, 5))
_MOST_ELSEWHERE = 0.02
"""Largest share of the CPU time that other threads may use: Valgrind runs them one at a time, in an order of its own."""
_TAIL_BYTES = 400
_SHAKEN, _KEPT, _MOST_BITS = 200, 0.6, 15
_PEDANTIC = {"call_once", "await_once"}


class Callgrind:
    """The Callgrind that runs this process, and writes its counts into `folder`."""

    def __init__(self, folder: str) -> None:
        code = CODE[platform.machine()]
        self._folder = Path(folder)
        self._memory = mmap.mmap(-1, len(code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._memory.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        ask = ctypes.PYFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64)(address)

        def request(code: int) -> Callable[[], int]:
            words = (ctypes.c_uint64 * 6)(code)
            return functools.partial(ask, ctypes.cast(words, ctypes.c_void_p), 0)

        if not request(_RUNNING_ON_VALGRIND)():
            raise RuntimeError("this process does not run under Valgrind")
        self.start, self.stop = request(_START), request(_STOP)
        self.toggle = request(_TOGGLE)
        self._zero, self._dump = request(_ZERO), request(_DUMP)

    def window(self, run: Run, calls: int) -> int:
        """Return the instructions of this process while it made the calls, and those of ending the window."""
        path = self.kept(run, calls)
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            tail = file.read().rpartition(b"totals: ")[2]
        path.unlink()
        return int(tail.split()[0])

    def kept(self, run: Run, calls: int) -> Path:
        """Make the calls in a window, and return the file with its counts."""
        globals()["rewind"]()
        self._zero()
        run(calls)
        self._dump()
        (path,) = self._folder.glob(f"*.{os.getpid()}.*")
        return path


def count(run: Run, calls: int, folder: str, windows: int) -> dict[str, Any]:
    """Return the instructions of a call (`count`), and why some are missing from it (`unseen`).

    Half of the windows make `calls`, half of them twice as many: the difference is the cost of `calls` without that of a
    window. One window comes before them, uncounted. No garbage is collected meanwhile, and the heap differs from window to
    window.
    """
    callgrind = Callgrind(folder)
    counted, overhead = calls_alone(run, callgrind)
    children = _children()
    before, used_ns, own_ns = children.usage(), time.process_time_ns(), time.thread_time_ns()
    gc.collect()
    gc.disable()
    callgrind.start()
    try:
        callgrind.window(counted, calls)
        beside, heap = overhead(calls), Heap()
        found = []
        for _ in range(windows):
            found.append((callgrind.window(counted, calls), callgrind.window(counted, 2 * calls)))
            heap.shake()
    finally:
        callgrind.stop()
        gc.enable()
    used_ns, own_ns = time.process_time_ns() - used_ns, time.thread_time_ns() - own_ns
    # Where the heap does not suit, or an arena is new, a count is larger: the lowest window of each length has the least of it.
    once, twice = (min(lengths) for lengths in zip(*found, strict=True))
    return {
        "count": (twice - once) / calls - beside,
        "unseen": _unseen(children.growth(before), 1 - own_ns / max(used_ns, 1)),
    }


class Heap:
    """Objects that are allocated and freed by chance, alike in every slot: whether a list can grow in place is part of a count."""

    def __init__(self) -> None:
        self._rng = random.Random(0)
        self._held: list[bytes] = []

    def shake(self) -> None:
        """Free some of the objects, and allocate others of all sizes."""
        self._held = [one for one in self._held if self._rng.random() < _KEPT]
        self._held += [bytes(int(2 ** self._rng.uniform(0, _MOST_BITS))) for _ in range(_SHAKEN)]


def functions(run: Run, calls: int, folder: str) -> list[str]:
    """Return the files with the counts of `calls` and of twice as many, and the one that names their functions.

    Empty where this Python cannot tell Callgrind which function it executes: before 3.12.
    """
    activate, deactivate = (getattr(sys, f"{what}activate_stack_trampoline", None) for what in ("", "de"))
    if activate is None or deactivate is None:
        return []
    callgrind = Callgrind(folder)
    counted, _ = calls_alone(run, callgrind)
    gc.collect()
    gc.disable()
    activate("perf")
    callgrind.start()
    try:
        callgrind.window(counted, calls)
        files = []
        for times in (1, 2):
            path = callgrind.kept(counted, times * calls)
            files.append(str(path.rename(path.with_name(f"kept-{times}"))))
    finally:
        callgrind.stop()
        deactivate()
        gc.enable()
    # A code object is named once, the first time that it runs: the names of earlier benchmarks stay.
    written, names = Path(f"/tmp/perf-{os.getpid()}.map"), Path(folder, "names")  # noqa: S108 - the place is Python's
    with names.open("ab") as file:
        file.write(written.read_bytes())
    written.unlink()
    return [*files, str(names)]


def calls_alone(run: Any, callgrind: Callgrind) -> tuple[Run, Callable[[int], float]]:
    """Return `run` without its setups and teardowns, and a function for the instructions of leaving them out, per call.

    Only pedantic benchmarks have any. Their collection of counts is switched on for the time of each call alone.
    """
    batch = getattr(run, "batch", run)
    once = next(iter(getattr(batch, "args", ())), None)
    kind = getattr(getattr(once, "func", None), "__name__", "")
    if once is None or kind not in _PEDANTIC:
        return run, lambda _calls: 0.0
    toggle = callgrind.toggle
    target, *rest = once.args

    def counted(*args: Any, **kwargs: Any) -> Any:
        toggle()
        try:
            return target(*args, **kwargs)
        finally:
            toggle()

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        toggle()
        try:
            return await target(*args, **kwargs)
        finally:
            toggle()

    def toggles(calls: int) -> None:
        for _ in range(calls):
            toggle()
            toggle()

    def overhead(calls: int) -> float:
        lengths = [callgrind.window(_off(toggles, toggle), times * calls) for times in (1, 2)]
        return (lengths[1] - lengths[0]) / calls

    same = functools.partial(once.func, awaited if kind == "await_once" else counted, *rest)
    alone = functools.partial(batch.func, same)
    return _off(alone if batch is run else type(run)(run.loop, alone), toggle), overhead


def _off(run: Run, toggle: Callable[[], int]) -> Run:
    """Return `run` with the collection of counts switched off, but where it toggles that itself."""

    def switched(calls: int) -> None:
        toggle()
        try:
            run(calls)
        finally:
            toggle()

    return switched


def _children() -> Any:
    """Return the module of the engine that reads the accounts of child processes: the side may have another."""
    engine = Path(__file__).resolve().parent.parent
    return _Namespace(runpy.run_path(str(engine / "processes" / "children.py")))


class _Namespace:
    def __init__(self, names: dict[str, Any]) -> None:
        self.__dict__.update(names)


def _unseen(children: Any, share_elsewhere: float) -> str:
    whys = []
    if children is not None:
        whys.append(
            f"child processes worked meanwhile ({children.cpu_s:.2g} s of CPU): their instructions are not counted"
        )
    if share_elsewhere > _MOST_ELSEWHERE:
        whys.append(
            f"other threads used {share_elsewhere:.1%} of the CPU time (limit {_MOST_ELSEWHERE:.0%}): Valgrind runs threads"
            " one at a time, so the number of their instructions depends on its order"
        )
    return "; ".join(whys)


def main() -> None:
    """Check that this process can ask Callgrind to count."""
    callgrind = Callgrind(sys.argv[1])
    callgrind.start()
    callgrind.stop()
    print("counting")  # noqa: T201 - the answer of the check


if __name__ == "__main__":
    main()
