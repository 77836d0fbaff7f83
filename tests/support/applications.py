"""Applications of known behaviour for the adapters, and a way to call one operation of an adapted target."""

import random
import textwrap
from pathlib import Path
from typing import Any

from harness.model import Outcome
from harness.target.loading import LoadedTarget, make


def write(folder: Path, source: str, name: str = "shop.py") -> Path:
    """Write a module of the user's into a folder and return its path."""
    path = folder / name
    path.write_text(textwrap.dedent(source))
    return path


def adapted(spec: str, **parameters: str) -> LoadedTarget:
    """Return the target of a SPEC."""
    return make(spec, parameters)


def answer(target: LoadedTarget, operation: str | None = None) -> Any:
    """Call one operation once and return its answer, or raise what the call raises."""
    event = target.make_event(operation or next(iter(target.operations)), random.Random(1))
    called = target.call(event)
    return target.loop.run(called) if target.is_async else called


def verdict(target: LoadedTarget, operation: str | None = None) -> str:
    """Call one operation once; return `completed`, or the reason why it failed."""
    found = answer(target, operation)
    assert target.judge is not None
    outcome = target.judge(found)
    return "completed" if outcome == Outcome.COMPLETED else target.judge.reason(found)
