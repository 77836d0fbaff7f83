"""Read a folder of events: one JSON document a file, as `sam local generate-event` writes it."""

from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.requests.template import Template
from harness.storage import files


def read_folder(path: Path) -> list[Template]:
    """Return an entry for each `*.json`, with the file's name as operation. Raises `UsageError`, which names the file."""
    found = []
    for file in sorted(path.glob("*.json")):
        try:
            event = msgspec.json.decode(files.read_bytes(file))
        except OSError as error:
            raise UsageError(f"The event cannot be read: {error.strerror}", where=str(file)) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise UsageError(
                f"The event is not JSON: {error}", where=str(file), remedy="Correct or remove the file"
            ) from error
        # An event is data of its own: braces in it are no placeholders.
        found.append(Template(where=str(file), operation=file.stem, event=event, literal=True))
    if not found:
        raise UsageError(
            "The folder holds no events", where=str(path), remedy="Put one *.json for each event into it"
        )
    return found
