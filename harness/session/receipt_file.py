"""Write and read the receipt file: written whole, every fault named when read."""

from pathlib import Path

import msgspec

from harness.errors import InvalidRunError, UsageError
from harness.redaction.documents import without_secrets
from harness.run.directory import write_document
from harness.session.receipt import SCHEMA, Receipt
from harness.storage import files
from harness.storage.folder import CALIBRATION, PRODUCT, SESSION, STARTED, Head, read_head

NAME = "receipt.json"
_CUT_OFF = [Head(product=PRODUCT, kind=kind, status=STARTED) for kind in (SESSION, CALIBRATION)]


class _Versioned(msgspec.Struct):
    schema: int


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Replace the file by this receipt, without secrets; a reader sees the old or the new one. Raises HarnessError on failure."""
    write_document(path, receipt)


def read_receipt(path: Path) -> Receipt:
    """Return the receipt of a file, or of a session's folder.

    Raises UsageError if it is missing, InvalidRunError if it is damaged or of another schema.
    """
    file = path / NAME if path.is_dir() else path
    try:
        text = files.read_bytes(file)
    except OSError as error:
        head = read_head(file.parent)
        if isinstance(error, FileNotFoundError) and head in _CUT_OFF:
            raise InvalidRunError(
                "Nothing was measured here: the session was cut off before its first block was complete",
                where=str(file.parent),
                remedy="Run it again; 'harness clean' removes this folder when it is a day old",
            ) from error
        raise UsageError(
            f"There is no readable receipt: {error.strerror}",
            where=str(file),
            remedy="Name the receipt.json, or the folder, that 'harness compare' or 'harness gate' printed",
        ) from error
    try:
        # The schema first: the fields of another schema have unknown meanings.
        schema = msgspec.json.decode(text, type=_Versioned).schema
        if schema == SCHEMA:
            return without_secrets(msgspec.json.decode(text, type=Receipt))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRunError(
            f"The receipt is damaged: {error}",
            where=str(file),
            remedy="Measure again: a damaged receipt is not evidence",
        ) from error
    raise InvalidRunError(
        f"This receipt has schema {schema}; this harness reads schema {SCHEMA}",
        where=str(file),
        remedy="Read it with the version of the harness that wrote it",
    )
