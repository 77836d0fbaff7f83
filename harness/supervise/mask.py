"""Mask secrets in a log: a child writes there directly, without redaction."""

import os
from pathlib import Path

from harness.redaction.patterns import HIDDEN
from harness.supervise.secret import Secrets

_PIECE_BYTES = 8 << 20


def mask_secrets(log: Path, start: int, secrets: Secrets) -> None:
    """Overwrite each secret in a log from byte `start` on. Unreadable or unwritable logs stay unchanged.

    A secret becomes `[redacted]***` or `***` of the same length, so that concurrent appends by others are kept.
    """
    try:
        with log.open("r+b") as file:
            file.seek(start)
            while piece := file.read(_PIECE_BYTES):
                # A chunk ends at a line end, if it has one.
                piece += file.readline()
                _mask(file.fileno(), start, piece, secrets)
                start += len(piece)
    except OSError:
        return


def _mask(descriptor: int, start: int, piece: bytes, secrets: Secrets) -> None:
    # One character for each byte, so that offsets in the text are offsets in the file.
    for first, end in secrets.spans(piece.decode("latin-1")):
        length = end - first
        mask = HIDDEN.encode() if length >= len(HIDDEN) else b""
        os.pwrite(descriptor, mask.ljust(length, b"*"), start + first)
