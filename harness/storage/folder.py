"""A folder of the harness: its first file marks the owner and the kind of content.

That file is `run.json`. Every folder has it from the beginning, so that the folder of a killed process is still
recognised: `harness report` reports that nothing was measured, `harness clean` removes it.
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
GITIGNORE = ".gitignore"
"""File that lets git ignore the whole folder, itself included: a checkout with runs in it is not changed."""
STARTED, FINISHED = "started", "finished"
"""Status of a folder before anything was measured or while session records are added; status of a finished one."""
SESSION, ABLATION, CALIBRATION, BISECT = "session", "ablation", "calibration", "bisect"
"""Kinds of folders with session records, or with the measurements of a search; folders with a run name their kind in its document."""


class Head(msgspec.Struct, frozen=True):
    """Fields of `run.json` in every folder of this schema. Runs of older harnesses lack the product."""

    schema: int = SCHEMA
    kind: str = "load"
    status: str = ""
    product: str = ""


def make(path: Path, kind: str, what: str = "run directory", option: str = "--out") -> None:
    """Make the folder `path` together with its head, so that it is never visible without one.

    Raises `HarnessError`: `what` could not be made, and `option` names another folder.
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(3)}")
    try:
        scratch.mkdir(parents=True)
        write_head(scratch, kind, STARTED)
        (scratch / GITIGNORE).write_text("*\n", "utf-8")
        scratch.rename(path)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise HarnessError(
            f"The {what} cannot be made: {error.strerror}",
            where=str(path),
            remedy=f"Choose a writable folder with {option}",
        ) from error


def read_head(path: Path) -> Head | None:
    """Return the head of the folder `path`; None without a readable one."""
    try:
        return msgspec.json.decode(files.read_bytes(path / DOCUMENT, files.MOST_DOCUMENT_BYTES), type=Head)
    except (OSError, ValueError, RecursionError):
        return None


def finish(path: Path, kind: str) -> None:
    """Mark a folder of receipts as complete in its head."""
    # Only `harness clean` uses this mark: other errors are more important.
    with contextlib.suppress(OSError):
        write_head(path, kind, FINISHED)


def write_head(path: Path, kind: str, status: str) -> None:
    """Write a `run.json` with only a head. Raises OSError."""
    head = Head(product=PRODUCT, kind=kind, status=status)
    scratch = path / f".{DOCUMENT}.{os.getpid()}"
    scratch.write_bytes(msgspec.json.format(msgspec.json.encode(head), indent=1))
    scratch.replace(path / DOCUMENT)
