"""Read the stack of a suspended task: the chain of coroutines and generators that await one another."""

from types import CodeType
from typing import Any

from harness.load.waits import MOST_DEEP
from harness.profiles.stacks.marker import running

_LINKS = ("cr_await", "ag_await", "gi_yieldfrom")
_CODES = ("cr_code", "ag_code", "gi_code")
_ROOT = running("").__code__


def codes_of_task(task: Any, marker: CodeType | None, _depth: int) -> list[CodeType]:
    """Return the codes of a task's chain, leaf first, up to the marker; see `harness.load.waits.Codes`.

    Without a marker it is the chain of a child task, which is complete: it gets a marker as its root.
    """
    codes: list[CodeType] = []
    one = task.get_coro()
    while one is not None and len(codes) < MOST_DEEP:
        code, one = _code_and_next(one)
        if code is not None:
            if code is marker:
                codes.clear()
            codes.append(code)
    if marker is None:
        codes.insert(0, _ROOT)
    return codes[::-1]


def _code_and_next(one: Any) -> tuple[CodeType | None, Any]:
    """Return the code of one part of a chain, and what it awaits: None for a future, or where the chain cannot be seen."""
    for code, link in zip(_CODES, _LINKS, strict=True):
        if (found := getattr(one, code, None)) is not None:
            return found, getattr(one, link, None)
    return None, None
