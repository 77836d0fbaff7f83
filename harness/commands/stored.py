"""Turn any fault that a damaged stored file causes into one sentence, never a traceback.

Each reader checks its file and gives a better message. Thousands of damaged files got past those checks in only a few
ways; this module catches the next one.
"""

import contextlib
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import InvalidRunError

_FAULTS = (ArithmeticError, LookupError, ValueError, TypeError, RecursionError, MemoryError)


@contextlib.contextmanager
def reading(places: Sequence[Path]) -> Iterator[None]:
    """Raise `InvalidRunError`, with the line of code that failed, for a fault that only a damaged file can cause."""
    try:
        yield
    except _FAULTS as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise InvalidRunError(
            f"The stored files are damaged: {type(error).__name__} in {Path(last.filename).name}, line {last.lineno}",
            where=", ".join(map(str, places)),
            remedy="Measure again; if the files are as the harness wrote them, please report this line",
        ) from error
