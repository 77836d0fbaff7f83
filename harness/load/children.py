"""Measure the child processes of calls: their resources in the measured time, and how long calls wait for them."""

import contextvars
import functools
import os
import subprocess
from collections.abc import Callable
from typing import Any

from harness.processes.children import growth, usage
from harness.run.facts import ChildFacts
from harness.target.carrying import Carrier

_WAITS: tuple[tuple[Any, str], ...] = (
    (subprocess.Popen, "wait"),
    (subprocess.Popen, "communicate"),
    (os, "waitpid"),
    (os, "wait4"),
    (os, "wait"),
    (os, "waitid"),
    (os, "system"),
)
"""Waiting functions as they are in this process: gevent has replaced some of them."""

_WITHIN: contextvars.ContextVar[bool] = contextvars.ContextVar("harness_waits_for_child", default=False)


class ChildWatch:
    """Sum of the time that calls wait for child processes, from `begin` on, while the carrier is installed."""

    def __init__(self, carrier: Carrier, now_ns: Callable[[], int]) -> None:
        self._carrier = carrier
        self._now_ns = now_ns
        self._from_ns = 1 << 62
        self._waited_ns = 0
        self._before = usage()
        for owner, name in _WAITS:
            carrier.replace(owner, name, self._watched(getattr(owner, name)))

    def begin(self) -> None:
        """Start to count: the measured time begins."""
        self._before = usage()
        self._from_ns = self._now_ns()
        self._waited_ns = 0

    def facts(self) -> ChildFacts | None:
        """Return the facts of the time since `begin`; None if no child did anything."""
        grown = growth(self._before)
        if grown is None and not self._waited_ns:
            return None
        return ChildFacts(
            cpu_s=grown.cpu_s if grown else 0.0,
            most_rss_bytes=grown.most_rss_bytes if grown else 0,
            running=grown.running if grown else 0,
            waited_ns=self._waited_ns,
        )

    def _watched(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def waiting(*args: Any, **kwargs: Any) -> Any:
            # One waiting function may call another. Waiting outside a call belongs to no service time.
            if _WITHIN.get() or self._carrier.runner() is None:
                return original(*args, **kwargs)
            token, start_ns = _WITHIN.set(True), self._now_ns()
            try:
                return original(*args, **kwargs)
            finally:
                _WITHIN.reset(token)
                self._waited_ns += max(self._now_ns() - max(start_ns, self._from_ns), 0)

        return waiting
