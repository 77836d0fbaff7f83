"""Kill the process groups of a supervisor's children as soon as the supervisor is gone.

Run as a script by its path, with `-I -S`: `python -I -S guardian.py`. Its standard input is a pipe that only the
supervisor holds: a line `+PGID` adds a process group, `-PGID` removes it, and the end of the file
means that the supervisor has ended, also by SIGKILL.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable


def guarded_at_end(lines: Iterable[str]) -> set[int]:
    """Return the process groups that were added but never removed."""
    groups: set[int] = set()
    for line in lines:
        change, group = line[0], int(line[1:])
        if change == "+":
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def main() -> None:
    """Wait for the end of the supervisor, then kill the process groups still under guard."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for group in guarded_at_end(sys.stdin):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
