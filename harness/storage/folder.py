"""A folder that the harness makes: one file in it says whose it is and what it holds, before anything else is in it.

That file is `run.json`. It stands in every folder from the first moment on, so that a folder whose maker was killed at
any later one is still understood: `harness report` says that nothing was measured, `harness clean` removes it.
"""

import contextlib
import os
import secrets
import shutil
from pathlib import Path

import msgspec

from harness.errors import HarnessError
from harness.storage import files

PRODUCT = "asset-harness"
SCHEMA = 1
DOCUMENT = "run.json"
STARTED, FINISHED = "started", "finished"
"""The status of a folder in which nothing has been measured yet, or of one that holds receipts and no run; and at its end."""
SESSION, ABLATION, CALIBRATION = "session", "ablation", "calibration"
"""Kinds of folders that hold receipts; those that hold a run name theirs in its document."""


class Head(msgspec.Struct, frozen=True):
    """What `run.json` has in every folder of this schema. Runs of older harnesses name no product."""

    schema: int = SCHEMA
    kind: str = "load"
    status: str = ""
    product: str = ""


def make(path: Path, kind: str, what: str = "run directory", option: str = "--out") -> None:
    """Make the folder `path` with its head in it: it is never seen without one.

    Raises `HarnessError`: `what` could not be made, and `option` names another place.
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(3)}")
    try:
        scratch.mkdir(parents=True)
        write_head(scratch, kind, STARTED)
        scratch.rename(path)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise HarnessError(
            f"The {what} cannot be made: {error.strerror}",
            where=str(path),
            remedy=f"Choose a writable folder with {option}",
        ) from error


def read_head(path: Path) -> Head | None:
    """Return the head of the folder `path`; None where it has none that can be read."""
    try:
        return msgspec.json.decode(files.read_bytes(path / DOCUMENT, files.MOST_DOCUMENT_BYTES), type=Head)
    except (OSError, ValueError, RecursionError):
        return None


def finish(path: Path, kind: str) -> None:
    """Say in the head of a folder of receipts that nothing more will come."""
    # Only `harness clean` wants to know: whatever else there is to say is more important.
    with contextlib.suppress(OSError):
        write_head(path, kind, FINISHED)


def write_head(path: Path, kind: str, status: str) -> None:
    """Write a `run.json` that holds a head and nothing else. Raises OSError."""
    head = Head(product=PRODUCT, kind=kind, status=status)
    scratch = path / f".{DOCUMENT}.{os.getpid()}"
    scratch.write_bytes(msgspec.json.format(msgspec.json.encode(head), indent=1))
    scratch.replace(path / DOCUMENT)
