"""Read files of unknown origin: regular files only, and no more of one than its kind can hold.

A run directory, a receipt, a trace or a policy may come from a disk, an archive or a colleague. A named pipe or a device
in its place would block the reader, and a file of the wrong size would exhaust its memory. A refusal is an `OSError`
with the reason in `strerror`, so that a reader handles it like a missing file.
"""

import errno
import os
import stat
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy.typing as npt

MIB = 2**20
MOST_BYTES = 256 * MIB
"""Largest size of a file that is read whole: receipts and recorded traces are the largest."""
MOST_DOCUMENT_BYTES = 16 * MIB
"""Largest size of a document with facts and no measurements: `run.json`, a card, a policy."""

# A header is a Python literal, and numpy tries Python 2 syntax for an unreadable one.
_BAD_HEADER = (SyntaxError, tokenize.TokenError, TypeError, LookupError, AttributeError, RecursionError)
_KINDS = (
    (stat.S_ISDIR, os.strerror(errno.EISDIR)),
    (stat.S_ISFIFO, "it is a named pipe, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
)


def open_regular(path: Path, most_bytes: int | None = None) -> BinaryIO:
    """Open a regular file for reading, without waiting; nothing else is opened.

    Raises OSError for anything other than a regular file, and for more than `most_bytes`.
    """
    # Before opening, because opening alone can rewind a tape or take a terminal; and after, because it may be replaced.
    _refuse(path.stat(), path, most_bytes)
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb")
    try:
        _refuse(os.fstat(file.fileno()), path, most_bytes)
    except OSError:
        file.close()
        raise
    return file


def read_bytes(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the content of a regular file. Raises OSError as `open_regular`."""
    with open_regular(path, most_bytes) as file:
        # A file may grow while it is read, and some report no size.
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise _too_large(path, len(content), most_bytes)
    return content


def read_text(path: Path, most_bytes: int = MOST_DOCUMENT_BYTES) -> str:
    """Return the UTF-8 text of a regular file. Raises OSError as `open_regular`, UnicodeDecodeError for other bytes."""
    return read_bytes(path, most_bytes).decode()


def read_array(file: Any, dtype: "npt.DTypeLike", shape: tuple[int | None, ...]) -> "npt.NDArray[Any]":
    """Return the array of an open `.npy` file that has this type and this shape; None stands for any length.

    Its header is checked against both and `MOST_BYTES` before memory is allocated; nothing in it is executed.
    Raises ValueError for any other file.
    """
    # Most commands read no arrays, and importing numpy would take a third of their start.
    import numpy as np

    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("it has another format")
    try:
        found, is_fortran, kind = np.lib.format.read_array_header_1_0(file)
    except _BAD_HEADER as error:
        raise ValueError("its header cannot be read") from error
    fits = len(found) == len(shape) and all(
        wanted is None or length == wanted for length, wanted in zip(found, shape, strict=True)
    )
    if kind != np.dtype(dtype) or is_fortran or not fits:
        raise ValueError("it has other columns or another shape")
    size = kind.itemsize
    for length in found:
        size *= length
    if not 0 <= size <= MOST_BYTES:
        raise ValueError(f"its header states {size:,} bytes")
    content = file.read(size)
    if len(content) != size:
        raise ValueError("it ends early")
    return np.frombuffer(content, kind).reshape(found)


def _refuse(facts: os.stat_result, path: Path, most_bytes: int | None) -> None:
    for is_kind, why in _KINDS:
        if is_kind(facts.st_mode):
            raise OSError(errno.EINVAL, why, str(path))
    if most_bytes is not None and facts.st_size > most_bytes:
        raise _too_large(path, facts.st_size, most_bytes)


def _too_large(path: Path, size: int, most_bytes: int) -> OSError:
    why = f"it holds {size / MIB:,.0f} MiB (limit {most_bytes / MIB:,.0f} MiB for such a file)"
    return OSError(errno.EFBIG, why, str(path))
