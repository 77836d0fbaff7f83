"""Frames that wait: a thread with one of these innermost uses no CPU, even where its profiler counts it as active.

py-spy leaves out threads that the kernel reports as asleep. But each of its looks stops the process, which briefly ends a wait
with a timeout, and it takes every thread that it cannot tell apart for active: an idle worker of a thread pool
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
"""Functions by module that call no Python code while they wait, so that they are innermost."""


def is_waiting(innermost: str) -> bool:
    """Tell whether a thread with this innermost frame waits: the event loop for events, or a thread for another."""
    if innermost == HUB_RUN:
        return True
    names = _WAITING.get(frame_path(innermost), ())
    return innermost.partition(" (")[0].rpartition(".")[2] in names
