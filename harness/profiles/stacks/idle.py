"""Frames that wait: a thread whose innermost frame is one of these uses no CPU, whatever its profiler takes it for.

py-spy leaves out threads that the kernel calls asleep. But each of its looks stops the process, which ends a wait that has
a timeout for a moment, and of threads that it cannot tell apart it takes each for active: an idle worker of a thread pool
then looks as busy as the whole program.
"""

from harness.profiles.stacks.frames import frame_path

HUB_RUN = "Hub.run (gevent/hub.py)"

_WAITING = {
    "concurrent/futures/thread.py": {"_worker"},
    "gevent/_threading.py": {"acquire_with_timeout", "wait"},
    "multiprocessing/connection.py": {"_recv"},
    "multiprocessing/popen_fork.py": {"poll"},
    "selectors.py": {"_select", "select"},
    "socket.py": {"accept", "readinto"},
    "subprocess.py": {"_try_wait"},
    "threading.py": {"_wait_for_tstate_lock", "join", "wait"},
}
"""Functions by module that call nothing written in Python while they wait, so that they are innermost."""


def is_waiting(innermost: str) -> bool:
    """Tell whether a thread waits whose innermost frame has this key: the event loop for events, or a thread for another."""
    if innermost == HUB_RUN:
        return True
    names = _WAITING.get(frame_path(innermost), ())
    return innermost.partition(" (")[0].rpartition(".")[2] in names
