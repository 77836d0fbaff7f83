"""Carry out `harness import`: results of other tools as runs of kind `imported`."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.imported.document import KIND, ImportedDocument
from harness.imported.sources import read_source
from harness.run.directory import RunDirectory
from harness.storage import files
from harness.storage.stamps import started_now


def import_files(places: Sequence[Path], out: Path, command: str) -> list[RunDirectory]:
    """Import every file, each as one run, and return the runs. A folder stands for the JSON files in and below it.

    Raises `UsageError` for a file that cannot be used, before the first run is made.
    """
    paths = [path for place in places for path in _files(place)]
    documents = [_document(path, command) for path in paths]
    made = []
    for path, document in zip(paths, documents, strict=True):
        directory = RunDirectory.create(out, path.stem, document.tool, KIND)
        directory.write(document)
        made.append(directory)
    return made


def _files(place: Path) -> Iterator[Path]:
    """Yield the file, or those of a folder such as `.benchmarks`, in the order of their names."""
    if not place.is_dir():
        yield place
        return
    found = sorted(path for path in place.rglob("*.json") if path.is_file())
    if not found:
        raise UsageError(
            "The folder holds no JSON file",
            where=str(place),
            remedy="Name pytest-benchmark's .benchmarks, or a file",
        )
    yield from found


def _document(path: Path, command: str) -> ImportedDocument:
    found = read_source(path)
    return ImportedDocument(
        tool=found.tool,
        source=str(path),
        source_sha256=hashlib.sha256(files.read_bytes(path)).hexdigest(),
        started_at=started_now(),
        command=command,
        rows=list(found.rows),
        facts=dict(found.facts),
        notes=list(found.notes),
    )
