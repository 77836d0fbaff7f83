"""Find call sites: the function of the core behind a call to a store."""

import functools
import os
import sys

OUTSIDE = "(outside the core)"
"""Site of calls without a function of the core."""

_CORE = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120 - as code objects spell it
_PACKAGE = __name__.rpartition(".")[0].replace(".", "/")
_SEAM = ("stores" + os.sep, "counting.py", "sites.py")
"""Files that pass calls on: they are skipped in the search for the caller."""


def calling_function() -> str:
    """Return the innermost function of the core on this thread's stack that is not part of the stores.

    The form is `qualified.name (package/relative/path.py)`, as profiles write their frames; without lines, so that it
    stays the same when code above it moves.
    """
    caller = sys._getframe(1)  # noqa: SLF001 - `inspect` would read sources for each frame
    while (site := _site(caller.f_code.co_filename, caller.f_code.co_qualname)) is None:
        if caller.f_back is None:
            return OUTSIDE
        caller = caller.f_back
    return site


@functools.cache
def _site(file: str, function: str) -> str | None:
    if not file.startswith(_CORE):
        return None
    place = file.removeprefix(_CORE)
    return None if place.startswith(_SEAM) else f"{function} ({_PACKAGE}/{place})"
