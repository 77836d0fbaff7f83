"""Read the stack of a suspended task: the chain of coroutines and generators that await one another."""

from types import CodeType
from typing import Any

from harness.load.waits import MOST_DEEP

_LINKS = ("cr_await", "ag_await", "gi_yieldfrom")
_CODES = ("cr_code", "ag_code", "gi_code")


def codes_of_task(task: Any, marker: CodeType | None, _depth: int) -> list[CodeType]:
    """Return the codes of a task's chain, leaf first, up to the marker; see `harness.load.waits.Codes`."""
    codes: list[CodeType] = []
    one = task.get_coro()
    while one is not None and len(codes) < MOST_DEEP:
        code, one = _code_and_next(one)
        if code is marker:
            codes.clear()
        if code is not None:
            codes.append(code)
    return codes[::-1]


def _code_and_next(one: Any) -> tuple[CodeType | None, Any]:
    """Return the code of one part of a chain, and what it awaits: None for a future, or where the chain cannot be seen."""
    for code, link in zip(_CODES, _LINKS, strict=True):
        if (found := getattr(one, code, None)) is not None:
            return found, getattr(one, link, None)
    return None, None
