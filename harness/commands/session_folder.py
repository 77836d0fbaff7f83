"""The folder of a session: its receipt, what its processes said, and what people read of it."""

import datetime as dt
import secrets
import shutil
from pathlib import Path

from harness.errors import HarnessError
from harness.session.receipt import Receipt
from harness.session.receipt_file import NAME, write_receipt


class SessionFolder:
    """A new folder below `parent` with a unique name; nothing is ever overwritten.

    Raises `HarnessError` where it cannot be made.
    """

    def __init__(self, parent: Path, command: str) -> None:
        moment = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        self.path = parent / f"{moment}-{command}-{secrets.token_hex(3)}"
        self.receipt_path = self.path / NAME
        self.log = self.path / "slots.log"
        try:
            self.path.mkdir(parents=True)
        except OSError as error:
            raise HarnessError(
                f"The session's folder cannot be made: {error.strerror}",
                where=str(self.path),
                remedy="Choose a writable folder with --out",
            ) from error

    def write(self, receipt: Receipt) -> None:
        """Replace the receipt, at once and whole."""
        write_receipt(self.receipt_path, receipt)

    def discard_if_empty(self) -> None:
        """Remove the folder of a session that never began."""
        if not self.receipt_path.exists():
            shutil.rmtree(self.path, ignore_errors=True)
