"""Describe the end of a process in words: the only reader of exit codes."""

import signal

_HINTS = {
    signal.SIGKILL: "possibly the kernel's out-of-memory killer: see dmesg and the container's memory limit",
    signal.SIGXCPU: "CPU time limit reached (ulimit -t)",
    signal.SIGXFSZ: "file size limit reached (ulimit -f)",
}
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGSYS)
_SHELL = 128


def how_it_ended(code: int) -> str:
    """Return the end of a sentence about a process, from its exit code (negative: killed by that signal)."""
    if code < 0:
        return f"was killed by {_name(-code)}"
    # Exit code by which a shell or container reports the signal of a process in it.
    within = (
        f" (a process within it was killed by {_name(code - _SHELL)})" if _is_signal(code - _SHELL) else ""
    )
    return f"ended with exit code {code}{within}"


def why_it_may_have(code: int) -> str:
    """Return a possible cause of a signal, as the beginning of a sentence without its full stop; empty if unknown."""
    number = -code if code < 0 else code - _SHELL
    if number in _HINTS:
        return _HINTS[signal.Signals(number)]
    return "compiled code crashed" if number in _CRASHES else ""


def ending(code: int) -> str:
    """Return `how_it_ended`, with the possible cause in brackets."""
    why = why_it_may_have(code)
    return f"{how_it_ended(code)} ({why})" if why else how_it_ended(code)


def _is_signal(number: int) -> bool:
    return number in {int(one) for one in signal.Signals}


def _name(number: int) -> str:
    return signal.Signals(number).name if _is_signal(number) else f"signal {number}"
