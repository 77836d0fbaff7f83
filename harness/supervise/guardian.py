"""Kill what belongs to a supervisor's children as soon as the supervisor is gone.

Run as a script by its path, with `-I -S`: `python -I -S guardian.py`. Its standard input is a pipe that only the
supervisor holds: a line `+GUARD` adds a process group, by its number, or all processes with a mark, `NAME=VALUE` in their
environment; `-GUARD` removes it. The end of the file means that the supervisor has ended, also by SIGKILL.

A process can leave its group (a daemon does), but it inherits its environment.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator

_ROUNDS = 200
_PAUSE_S = 0.01


def guarded_at_end(lines: Iterable[str]) -> set[int | str]:
    """Return the process groups and marks that were added but never removed."""
    guards: set[int | str] = set()
    for line in lines:
        change, word = line[0], line[1:].strip()
        guard = int(word) if word.isdecimal() else word
        if change == "+":
            guards.add(guard)
        else:
            guards.discard(guard)
    return guards


def kill_group(group: int) -> None:
    """Kill a process group; harmless if it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def marked(mark: str) -> Iterator[int]:
    """Yield the living processes that were started with `mark`, `NAME=VALUE`, in their environment."""
    for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 - pathlib would take longer to import than this runs
        with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123 - as above
            if mark.encode() in file.read().split(b"\0"):
                yield int(name)


def kill_marked(mark: str) -> None:
    """Kill all processes with a mark, those too that they start meanwhile."""
    for _ in range(_ROUNDS):
        found = list(marked(mark))
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return
        time.sleep(_PAUSE_S)


def main() -> None:
    """Wait for the end of the supervisor, then kill what is still under guard."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    guards = guarded_at_end(sys.stdin)
    for guard in guards:
        if isinstance(guard, int):
            kill_group(guard)
    for guard in guards:
        if isinstance(guard, str):
            kill_marked(guard)


if __name__ == "__main__":
    main()
