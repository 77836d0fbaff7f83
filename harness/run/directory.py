"""Make, write and read the run directory.

Everything after a run is computed from this folder alone. `run.json` exists from the first moment, with status
`started`; it is written again when the run begins, with status `running`, and when it ends. So the directory of a
killed run still describes the planned run.
"""

import contextlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.errors import HarnessError, InvalidRunError
from harness.redaction.documents import without_secrets
from harness.run.documents import RunDocument
from harness.run.facts import LoadFacts
from harness.storage import files, folder
from harness.storage.folder import PRODUCT, SCHEMA, STARTED, Head
from harness.storage.stamps import folder_name

_TIMED = ("load", "micro")
"""Kinds of runs that have a folder `timing`."""
_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)
_LONGEST_WORD = 80
Document = TypeVar("Document")


class _Versioned(msgspec.Struct, frozen=True):
    """The field that every schema of `run.json` has."""

    schema: int = SCHEMA


class RunDirectory:
    """The paths of one run, with methods that read and write its documents."""

    CALLS = "calls.npy"
    FACTS = "facts.json"
    HELD_BY = "heldby.npy"
    SAMPLES = "samples.jsonl"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.document_path = path / folder.DOCUMENT
        self.timing = path / "timing"
        self.calls_path = self.timing / self.CALLS
        self.facts_path = self.timing / self.FACTS
        self.wait = path / "wait"
        self.waits_by_latency_path = self.wait / "by-latency.json"
        self.held_by_path = self.timing / self.HELD_BY
        self.histograms_path = self.timing / "histograms.npz"
        self.benchmarks_path = self.timing / "benchmarks.json"
        self.report_path = path / "report.html"
        self.servers = path / "servers"

    @classmethod
    def create(cls, parent: Path, scenario: str, variant: str, kind: str = "load") -> "RunDirectory":
        """Make a new folder for a run of `kind` with a unique name under `parent`; never overwrites.

        Raises `HarnessError` if the folder cannot be made.
        """
        # A user's own target may give its variants any name.
        words = (_UNSAFE.sub("_", word)[:_LONGEST_WORD] for word in (scenario, variant))
        directory = cls(parent / folder_name(*words))
        folder.make(directory.path, kind)
        if kind in _TIMED:
            directory.timing.mkdir()
        return directory

    def discard(self) -> None:
        """Remove the folder of a run that never began."""
        shutil.rmtree(self.path, ignore_errors=True)

    def write(self, document: msgspec.Struct) -> None:
        """Replace `run.json` atomically. The document's fields and the product's name must include the fields of `Head`."""
        content = {**msgspec.to_builtins(without_secrets(document)), "product": PRODUCT}
        write_atomically(self.document_path, msgspec.json.format(msgspec.json.encode(content), indent=1))

    def read_head(self) -> Head:
        """Return the fields that `run.json` of every kind has. Raises as `read`."""
        # The schema number first: the fields of another schema may mean something else.
        schema = decode(self.document_path, _Versioned).schema
        if schema != SCHEMA:
            raise InvalidRunError(
                f"This run has schema {schema}; this harness reads schema {SCHEMA}",
                where=str(self.document_path),
                remedy="Read it with the version of the harness that wrote it",
            )
        return decode(self.document_path, Head)

    def read(self) -> RunDocument:
        """Return `run.json` of a load run.

        Raises `InvalidRunError` if it is missing, damaged, of another schema or of another kind of run.
        """
        return self.read_as("load", RunDocument)

    def read_as(self, kind: str, document: type[Document]) -> Document:
        """Return `run.json` of a run of `kind` as its document. Raises as `read`."""
        head = self.read_head()
        if head.status == STARTED:
            raise InvalidRunError(
                "Nothing was measured here: the run was stopped before it began",
                where=str(self.path),
                remedy="Run it again; 'harness clean' removes this folder when it is a day old",
            )
        if head.kind != kind:
            raise InvalidRunError(
                f"This is a {head.kind} run, not a {kind} run",
                where=str(self.path),
                remedy="'harness report' shows runs of one kind at a time",
            )
        return decode(self.document_path, document)

    def read_facts(self) -> LoadFacts:
        """Return the measured process's facts about itself. Raises `InvalidRunError` if they are missing."""
        return decode(self.facts_path, LoadFacts)

    def write_facts(self, facts: LoadFacts) -> None:
        """Replace `timing/facts.json`."""
        write_document(self.facts_path, facts)


def write_document(path: Path, document: msgspec.Struct, *, indent: int | None = None) -> None:
    """Write a document as JSON, without secrets and atomically. All documents of a run are written by this function."""
    text = msgspec.json.encode(without_secrets(document))
    write_atomically(path, text if indent is None else msgspec.json.format(text, indent=indent))


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file, and its folder, so that a reader sees the old or the new file but never a part of it."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(content)
        scratch.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise HarnessError(
            f"A file cannot be written: {error.strerror}",
            where=str(path),
            remedy="Free some disk space or name another place",
        ) from error


def hide_secrets(path: Path) -> None:
    """Remove secrets from a JSON document that another program wrote; a damaged document stays as it is."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        document = json.loads(path.read_bytes())
        cleaned = without_secrets(document)
        if cleaned is not document:
            write_atomically(path, json.dumps(cleaned, indent=1).encode())


def decode(path: Path, kind: type[Document]) -> Document:
    """Return a JSON file of a run as `kind`, without secrets. Raises `InvalidRunError` if it is missing or damaged."""
    try:
        # A file from an earlier version may hold secrets.
        content = files.read_bytes(path, files.MOST_DOCUMENT_BYTES)
        return without_secrets(msgspec.json.decode(content, type=kind))
    except OSError as error:
        what = f"The run has no readable {path.name}: {error.strerror}"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = f"The run's {path.name} is damaged: {error}"
    raise InvalidRunError(
        what, where=str(path), remedy="Name a folder that 'harness run' made, or run the scenario again"
    )
