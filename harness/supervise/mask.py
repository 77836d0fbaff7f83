"""Taking secrets out of a log: a child writes there itself, past everything that hides them."""

import os
from pathlib import Path

from harness.redaction.patterns import HIDDEN
from harness.supervise.secret import Secrets

_PIECE_BYTES = 8 << 20


def mask_secrets(log: Path, start: int, secrets: Secrets) -> None:
    """Overwrite each secret in a log from byte `start` on. What cannot be read or written stays as it is.

    A secret becomes `[redacted]***` or `***` in its own length: others may append to the file meanwhile, and nothing of theirs is lost.
    """
    try:
        with log.open("r+b") as file:
            file.seek(start)
            while piece := file.read(_PIECE_BYTES):
                # A piece ends with a line, if there is one.
                piece += file.readline()
                _mask(file.fileno(), start, piece, secrets)
                start += len(piece)
    except OSError:
        return


def _mask(descriptor: int, start: int, piece: bytes, secrets: Secrets) -> None:
    # One character for each byte, so that places in the text are places in the file.
    for first, end in secrets.spans(piece.decode("latin-1")):
        length = end - first
        mask = HIDDEN.encode() if length >= len(HIDDEN) else b""
        os.pwrite(descriptor, mask.ljust(length, b"*"), start + first)
