"""The net below every reader of stored files: whatever a damaged file leads to is one sentence, never a traceback.

What a file may hold is checked where it is read, and said there much better. Thousands of damaged files found no more than
a few ways around that; this takes the next one.
"""

import contextlib
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import InvalidRunError

_FAULTS = (ArithmeticError, LookupError, ValueError, TypeError, RecursionError, MemoryError)


@contextlib.contextmanager
def reading(places: Sequence[Path]) -> Iterator[None]:
    """Raise `InvalidRunError`, with the line of ours that gave up, for what only a file that no harness wrote leads to."""
    try:
        yield
    except _FAULTS as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise InvalidRunError(
            f"The stored files hold what no run holds: {type(error).__name__} in {Path(last.filename).name}, line {last.lineno}",
            where=", ".join(map(str, places)),
            remedy="Run it again; if the harness wrote these files as they are, please report this line",
        ) from error
