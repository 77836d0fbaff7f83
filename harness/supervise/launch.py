"""Replace this process by a child's program, after asking the kernel to kill it when its parent dies.

Run as a script by its path, with `-I -S`, so that it starts in about 10 ms and imports nothing of the harness:
`python -I -S launch.py PARENT_PID PROGRAM ARGV0 [ARG]...`. A `preexec_fn` would do the same inside the forked
copy of a process that may have threads, where it can deadlock.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
EXIT_CANNOT_RUN = 126


def die_with_parent(parent_pid: int) -> None:
    """Request SIGKILL at the parent's death; end at once if the parent is already gone.

    The signal follows the *thread* that made this process, and survives `execve` of an ordinary program.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG) failed: {os.strerror(ctypes.get_errno())}")
    # The parent may have died between its fork and our request: then the signal would never be sent.
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def restore_signals() -> None:
    """Restore the signals that Python ignores: an ignored signal would stay ignored in the real program."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def main() -> None:
    """Replace this process by the program in the arguments."""
    parent_pid, program, *argv = sys.argv[1:]
    die_with_parent(int(parent_pid))
    restore_signals()
    try:
        os.execv(program, argv)  # noqa: S606 - a shell is not wanted.
    except OSError as error:
        sys.stderr.write(f"cannot run {program}: {error.strerror}\n")
        sys.exit(EXIT_CANNOT_RUN)


if __name__ == "__main__":
    main()
