"""A copy of the asset core with one small change planted, as the side of a comparison; and counts of few requests."""

import contextlib
import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.exact import sides
from harness.exact.process import ExactPlan
from harness.processes.subject import Subject
from harness.session.sides.overlay import Surroundings, build_overlay
from targets.registry import TARGETS
from tests.support.paths import ROOT

CORE = TARGETS["asset-core"]
ASSET = "GET /assets/{id}"
PLAN = ExactPlan(requests=40, repetitions=2, operations=(ASSET,))


def a_side(folder: Path, path: str = "", before: str = "", after: str = "") -> Subject:
    """Return the core from a copy below `folder`, with the first `before` in the file at `path` replaced."""
    shutil.copytree(
        ROOT / "targets", folder / "tree" / "targets", ignore=shutil.ignore_patterns("__pycache__")
    )
    if path:
        file = folder / "tree" / "targets" / path
        text = file.read_text()
        assert before in text, f"{path} has changed: plant the edit elsewhere"
        file.write_text(text.replace(before, after, 1))
    # As in the harness's own checkout: the engine comes from there, and nothing of the core may.
    around = Surroundings(elsewhere=(str(ROOT),))
    build_overlay(folder / "tree", {"targets": "targets"}, folder / "overlay", around)
    return Subject(CORE.factory, CORE.exact, overlay=folder / "overlay")


@contextlib.contextmanager
def few_requests() -> Iterator[None]:
    """Let commands in this process count 20 requests in three processes a side: enough where targets do equal work."""
    few = functools.partial(sides.Plans, ExactPlan(requests=20), ExactPlan(requests=20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sides, "Plans", few)
        yield
