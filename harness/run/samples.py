"""Define the samples of a process over a run, and their file: `timing/samples.jsonl`, one line a sample.

Each line is complete when it is written, so a killed run keeps all of them.
"""

import os
from pathlib import Path
from typing import Self

import msgspec

from harness.errors import InvalidRunError
from harness.storage import files

MOST_BYTES = 64 * files.MIB
"""Largest file that is read: more than three days at a sample a second."""


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sample; None for what was not sampled. `at_ns` is a reading of the clock of the process's machine.

    `own_bytes` is the resident memory that is of no file, with what is swapped out: the harness's own table of calls is a
    mapped file, and is in `rss_bytes`. `blocks` are those of Python's allocator. `greenlets` and `tasks` are those that
    exist, finished ones too. `collections` are of the garbage collector; `uncollectable` are the objects that it left.
    `took_ns` is the CPU time that the sample took.
    """

    at_ns: int
    rss_bytes: int | None = None
    own_bytes: int | None = None
    blocks: int | None = None
    fds: int | None = None
    threads: int | None = None
    greenlets: int | None = None
    tasks: int | None = None
    processes: int | None = None
    collections: int | None = None
    uncollectable: int | None = None
    took_ns: int = 0


class SampleFile:
    """A file of samples that grows: `add` appends, and `unsent` returns what was not returned before. Closes as a context."""

    def __init__(self, path: Path) -> None:
        """Make the file, empty. Raises `OSError` if it cannot be made."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        self._sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def add(self, sample: Sample) -> None:
        """Append a sample. Raises `OSError` if the disk is full."""
        os.write(self._descriptor, msgspec.json.encode(sample) + b"\n")

    def unsent(self) -> bytes:
        """Return the lines since the last call of this method; the file need not have a name any more."""
        lines = os.pread(self._descriptor, MOST_BYTES, self._sent)
        self._sent += len(lines)
        return lines


_DECODER = msgspec.json.Decoder(Sample)


def read(path: Path) -> list[Sample]:
    """Return the samples of a file in the order of time; none where there is no file.

    The last line of a killed run may be cut off: it is left out. Raises `InvalidRunError` for any other damage.
    """
    try:
        lines = files.read_bytes(path, MOST_BYTES).split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    try:
        return sorted((_DECODER.decode(line) for line in lines[:-1]), key=lambda sample: sample.at_ns)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, why: str) -> InvalidRunError:
    return InvalidRunError(
        f"The samples of the process are damaged: {why}",
        where=str(path),
        remedy="Remove the file: the run can be read without it, but says nothing of growth",
    )
