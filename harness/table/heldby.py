"""Record what blocked the event loop while calls of each operation waited for it: a small memory-mapped table.

`timing/heldby.npy` has a row for each waiting operation and a column for each blocker: the operations, an empty one,
then those of `NAMES`; in ns, over the calls of the measured time that returned. A row sums to the `wait_busy_ns` of its
operation. The measured process adds to it as calls end, so SIGKILL loses one call at most; tables of several processes
are additive.
"""

import mmap
import operator
import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import InvalidRunError
from harness.storage import files

# Indices from the end of a list of totals; those of at least BACKGROUND belong to the target.
BACKGROUND, GARBAGE, PACER, DRIVER, IDLE = -1, -2, -3, -4, -5
SPECIAL = 5
NAMES = ("driver", "pacer", "garbage collection", "other greenlets")
"""Blockers other than operations, in the order of the columns: DRIVER to BACKGROUND."""
OTHERS = NAMES[BACKGROUND]
"""Name of the target's background work in stored files; reports name it by the run's engine."""

_HEADER_BYTES = 128
_CELL_BYTES = 8

Matrix = npt.NDArray[np.int64]


class HeldBy:
    """The table of one process, open for adding."""

    def __init__(self, path: Path, operations: int) -> None:
        """Create the file at `path` with all cells 0."""
        width = operations + SPECIAL
        self._sums = [[0] * width for _ in range(operations)]
        self._pack = struct.Struct(f"<{width}q").pack_into
        self._places = [_HEADER_BYTES + row * width * _CELL_BYTES for row in range(operations)]
        with path.open("w+b") as file:
            np.save(file, np.zeros((operations, width), "<i8"))
            file.flush()
            self._map = mmap.mmap(file.fileno(), 0)

    def add(self, waiting: int, held_ns: Iterable[int]) -> None:
        """Add the time of each blocker to the row of operation `waiting`: operations first, then from IDLE (0) on."""
        sums = self._sums[waiting] = list(map(operator.add, self._sums[waiting], held_ns))
        self._pack(self._map, self._places[waiting], *sums)

    @property
    def content(self) -> bytes:
        """Present content of the file."""
        return self._map[:]

    def close(self) -> None:
        """Close the file."""
        self._map.close()


def load(path: Path, operations: int) -> Matrix | None:
    """Return the table, or None without one: the split was off, or an older harness wrote the run.

    Raises `InvalidRunError` if it is damaged or of another number of operations.
    """
    if not os.path.lexists(path):
        return None
    try:
        cells = read(path)
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise _damaged(path, f"it is not a table of {operations} operations: {error}") from error
    own = len(cells)
    if own > operations or cells.shape[1] != own + SPECIAL:
        raise _damaged(path, f"it is not a table of {operations} operations: it has the shape {cells.shape}")
    # Operations that came later, from other users of the same Locust, blocked nobody that is known.
    more = np.zeros((own, operations - own), np.int64)
    cells = np.concatenate([cells[:, :own], more, cells[:, own + 1 :]], axis=1)
    return np.concatenate([cells, np.zeros((operations - own, cells.shape[1]), np.int64)])


def read(path: Path, operations: int | None = None) -> Matrix:
    """Return the table of one process as stored on disk. Raises OSError or ValueError where it is missing or damaged."""
    width = None if operations is None else operations + SPECIAL
    with files.open_regular(path) as file:
        return files.read_array(file, "<i8", (operations, width))


def named(matrix: Matrix, operations: Sequence[str]) -> dict[str, dict[str, dict[str, int] | int]]:
    """Return the table in the JSON form of a run, with operations and other blockers under separate keys."""
    rows = {}
    for name, row in zip(operations, matrix.tolist(), strict=True):
        special = zip(NAMES, row[len(operations) :], strict=True)
        rows[name] = {
            "operations": dict(zip(operations, row[: len(operations)], strict=True)),
            **{key.replace(" ", "_"): length_ns for key, length_ns in special},
        }
    return rows


def _damaged(path: Path, why: str) -> InvalidRunError:
    return InvalidRunError(
        f"The table of what blocked the event loop is damaged: {why}",
        where=str(path),
        remedy="This run cannot be evaluated; run the scenario again",
    )
