"""Stop and resume a process with all its descendants, and choose their CPUs.

A descendant whose parent has ended belongs to the tree only while it stays in the process group of the tree's root.
"""

import contextlib
import os
import signal
from collections.abc import Collection, Iterable
from pathlib import Path

from harness.processes.children import descendants


def stop_tree(pid: int, outside: list[int]) -> None:
    """Stop the process group `pid` and all descendants of its leader; add those outside of the group to `outside`.

    Parents are stopped before their children are looked up: the kernel lets no process start another one while a signal
    is pending for it.
    """
    _signal_group(pid, signal.SIGSTOP)
    for one in descendants(pid):
        if groups_of([one]) - {pid}:
            # Noted first: an exception from a signal handler may come at any moment.
            outside.append(one)
            _signal(one, signal.SIGSTOP)


def resume_tree(pid: int, outside: Collection[int]) -> None:
    """Resume what `stop_tree` has stopped, also if that was interrupted."""
    for one in outside:
        _signal(one, signal.SIGCONT)
    _signal_group(pid, signal.SIGCONT)


def set_cpus(pid: int, cpus: Collection[int]) -> None:
    """Let all threads of a process and of its descendants run on these CPUs only. New threads inherit them."""
    done: set[int] = set()
    # Repeated until nothing is new: a thread that was not changed yet may have started another one.
    while left := {thread for one in (pid, *descendants(pid)) for thread in _threads(one)} - done:
        for thread in left:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(thread, cpus)
        done |= left


def groups_of(pids: Iterable[int]) -> set[int]:
    """Return the process groups of those processes that still exist."""
    groups = set()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            groups.add(os.getpgid(pid))
    return groups


def _threads(pid: int) -> list[int]:
    try:
        return [int(folder.name) for folder in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []


def _signal(pid: int, number: int) -> None:
    # A child may have ended, or changed its user.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
