"""The folder of a session: its record (receipt), the logs of its processes, and its reports."""

import shutil
from pathlib import Path

from harness.session.receipt import Receipt
from harness.session.receipt_file import NAME, write_receipt
from harness.storage import folder
from harness.storage.stamps import folder_name


class SessionFolder:
    """A new folder below `parent` with a unique name; it never overwrites.

    Raises `HarnessError` if it cannot be made.
    """

    def __init__(self, parent: Path, command: str, kind: str = folder.SESSION) -> None:
        self.path = parent / folder_name(command)
        self.receipt_path = self.path / NAME
        self.log = self.path / "slots.log"
        self._kind = kind
        folder.make(self.path, kind, "session's folder")

    def write(self, receipt: Receipt) -> None:
        """Replace the receipt atomically."""
        write_receipt(self.receipt_path, receipt)

    def finish(self) -> None:
        """Mark the folder as complete, however the session went."""
        folder.finish(self.path, self._kind)

    def discard_if_empty(self) -> None:
        """Remove the folder of a session that never began."""
        if not self.receipt_path.exists():
            shutil.rmtree(self.path, ignore_errors=True)
