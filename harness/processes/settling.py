"""Wait until work that calls have left to other threads, greenlets and tasks is done, as far as that can be observed."""

import os
import sys
import time
from typing import Protocol

_STANDSTILL_S = 0.05
_LOOK_S = 0.01
_QUIET_SHARE = 0.1
"""Share of the time that counts as quiet: looking itself takes some under a memory profiler, as does a polling thread."""
_LONGEST_S = 5.0


class Loop(Protocol):
    """The part of an event loop that stands still while it is not run."""

    def run_for(self, seconds: float) -> None:
        """Run the loop for some time."""

    def has_tasks(self) -> bool:
        """Return True if tasks are left in the loop."""


def settle(loop: Loop | None = None) -> None:
    """Return once other threads, and the tasks left in `loop`, have used no processor for a moment; at once without any.

    For work that never rests, the wait ends after a few seconds.
    """
    give_up_s = time.monotonic() + _LONGEST_S
    quiet_s = 0.0
    while quiet_s < _STANDSTILL_S and _has_others(loop) and time.monotonic() < give_up_s:
        used_s, began_s = time.process_time(), time.monotonic()
        _give_way(loop)
        length_s = time.monotonic() - began_s
        is_quiet = time.process_time() - used_s < _QUIET_SHARE * length_s
        quiet_s = quiet_s + length_s if is_quiet else 0.0


def _has_others(loop: Loop | None) -> bool:
    if loop is not None and loop.has_tasks():
        return True
    # The folder has a subfolder for each thread. Listing it takes more memory than many calls, which may be measured.
    return _hub() is not None or os.stat("/proc/self/task").st_nlink - 2 > 1  # noqa: PTH116 - as cheap as can be


def _give_way(loop: Loop | None) -> None:
    if loop is not None:
        loop.run_for(_LOOK_S)
    elif _hub() is None:
        time.sleep(_LOOK_S)
    else:
        sys.modules["gevent"].sleep(_LOOK_S)


def _hub() -> object:
    """Return gevent's loop of this thread, if the target has one: its greenlets run only while this thread yields to it."""
    gevent = sys.modules.get("gevent._hub_local")
    return gevent and gevent.get_hub_if_exists()
