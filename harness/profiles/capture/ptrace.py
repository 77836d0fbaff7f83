"""Permission to attach: the request of a measured process to the kernel that lets a profiler read it."""

import contextlib
import ctypes

_PR_SET_PTRACER = 0x59616D61


def allow_ptrace(pid: int) -> bool:
    """Let process `pid` and its children read this one; return False if the kernel does not know the request.

    Call it in the measured process with the supervisor's pid. It matters where Yama restricts tracing to
    ancestors (`kernel.yama.ptrace_scope` = 1); without Yama the kernel refuses the request, and none is needed.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        return bool(libc.prctl(_PR_SET_PTRACER, ctypes.c_ulong(pid), 0, 0, 0) == 0)
    return False
