"""Memory of forks: memray's `follow_fork` writes a file for each, `memory.bin.PID`, beside that of the process.

A child that executes another program is not followed, and memory allocated before the fork is not counted for it.
"""

import dataclasses
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.errors import InvalidRunError
from harness.profiles.capture.memory import fold_whole
from harness.profiles.facts import MemoryFacts
from harness.profiles.stacks.folded import Profile, merge
from harness.profiles.stacks.frames import FORKED, OUTSIDE, child_stack

if TYPE_CHECKING:
    from harness.profiles.stacks.weighted import Stack

MOST_KEPT = 8
"""Number of files of forks that are kept, the largest: a target may make thousands."""
_CUT_OFF = re.compile(rb"Failed to grow output file .+\.(\d+) by")
"""Message of memray in a process whose file was closed under it."""
_STEP_BYTES = 4096
"""Step by which a file grows; the rest of the last step is zeros."""
_PADDING_BYTES = 64
"""Maximum size of one allocation's record."""


def cannot_follow() -> str:
    """Return the reason why memray must not follow forks of this process; empty where it may."""
    if "gevent" not in sys.modules:
        return ""
    return (
        "Forks were not followed: the target imports gevent, and with both of them it was tried and failed. A child that"
        " gevent's subprocess starts closes memray's file and is aborted, and the stacks of greenlets are lost"
    )


def fold_children(
    facts: MemoryFacts, memory_bin: Path, log: Path, roots: Sequence[str] = ()
) -> tuple[Profile, Profile, MemoryFacts]:
    """Return allocations and bytes of the forks of the process that wrote `memory_bin`, each stack below `(child processes)`.

    The facts are those of the process with those of its forks.

    `log` is the output of the processes, with memray's messages. All files are read; the `MOST_KEPT` largest are kept.
    """
    allocations, sizes = [Profile("allocations", {})], [Profile("bytes", {})]
    cut_off = {int(pid) for pid in _CUT_OFF.findall(log.read_bytes())}
    most_held = lost = 0
    files = [path for path in memory_bin.parent.glob(f"{memory_bin.name}.*") if path.suffix[1:].isdecimal()]
    for path in files:
        try:
            if int(path.suffix[1:]) in cut_off or _is_full(path):
                lost += 1
                continue
            counted, sized, peak = fold_whole(path, roots)
        except InvalidRunError:
            lost += 1
            continue
        allocations.append(_of_a_fork(counted))
        sizes.append(_of_a_fork(sized))
        most_held = max(most_held, peak)
    for path in sorted(files, key=lambda path: path.stat().st_size, reverse=True)[MOST_KEPT:]:
        path.unlink()
    all_allocations, all_sizes = merge(allocations), merge(sizes)
    facts = msgspec.structs.replace(
        facts,
        child_processes=len(allocations) - 1,
        child_allocations=int(all_allocations.total),
        child_allocated_bytes=int(all_sizes.total),
        child_peak_bytes=most_held,
        lost_children=lost,
    )
    return all_allocations, all_sizes, facts


def _is_full(path: Path) -> bool:
    """Tell whether a file is full and was never closed: memray could then not write later records."""
    written = path.read_bytes()
    # Closing a file properly cuts it to its written length.
    return len(written) % _STEP_BYTES == 0 and bool(written[-_PADDING_BYTES:].strip(b"\0"))


def _of_a_fork(profile: Profile) -> Profile:
    stacks: dict[Stack, float] = {}
    for stack, weight in profile.stacks.items():
        below = child_stack(FORKED, stack[1:] if stack[0] == OUTSIDE else stack)
        stacks[below] = stacks.get(below, 0) + weight
    return dataclasses.replace(profile, stacks=stacks)
