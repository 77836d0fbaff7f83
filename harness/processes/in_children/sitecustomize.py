"""Python runs this file at the start of processes below a measured one: they import their side's code, as the parent does."""

import os
import runpy
import sys
from importlib.machinery import PathFinder

_HERE = os.path.dirname(os.path.realpath(__file__))


def _take_over() -> None:
    parts = runpy.run_path(os.path.join(os.path.dirname(_HERE), "side_imports.py"))
    side = parts["read_side"](os.environ.get(parts["OVERLAY_VARIABLE"], ""))
    if side is not None:
        parts["take_over"](side)


def _run_the_next() -> None:
    """Run the `sitecustomize` file that Python would have found without ours."""
    spec = PathFinder.find_spec("sitecustomize", [place for place in sys.path if place != _HERE])
    if spec is not None and spec.origin and os.path.realpath(spec.origin) != os.path.realpath(__file__):
        runpy.run_path(spec.origin)


# It may install finders of its own: they must exist before they can be guarded.
_run_the_next()
_take_over()
