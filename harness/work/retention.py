"""Find the folders below a parent that are the harness's own, to the last file: `harness clean` removes only these."""

import dataclasses
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from harness.capacity.document import KIND as CAPACITY
from harness.capacity.document import PROBES, CapacityDocument
from harness.errors import HarnessError
from harness.imported.document import KIND as IMPORTED
from harness.imported.document import ImportedDocument
from harness.micro.document import KIND as MICRO
from harness.micro.document import MicroDocument
from harness.profiling.document import KIND as PROFILE
from harness.profiling.document import ProfileDocument
from harness.run.directory import RunDirectory
from harness.run.documents import RunDocument
from harness.session.receipt_file import NAME as RECEIPT
from harness.session.receipt_file import read_receipt
from harness.storage.folder import ABLATION, BISECT, DOCUMENT, PRODUCT, SESSION, Head, read_head

LONGEST_RUN_S = 86_400.0
"""Maximum age in s of an unfinished folder that is left alone, because its work may still be going on."""
_DOCUMENTS: Mapping[str, type[msgspec.Struct]] = {
    "load": RunDocument,
    MICRO: MicroDocument,
    PROFILE: ProfileDocument,
    CAPACITY: CapacityDocument,
    IMPORTED: ImportedDocument,
}
_RECEIPTS = (SESSION, ABLATION, BISECT)
_NAME = re.compile(r"\.?\d{8}T\d{6}Z-[\w.-]+-[0-9a-f]{6}(\.[0-9a-f]{6})?", re.ASCII)
"""Pattern of the harness's folder names; a leading dot marks a folder that was never finished."""

# Beside these every file of ours may have a scratch file while it is written. A folder of runs holds runs.
_SCRATCH = re.compile(r"\.(?P<hidden>.+)\.\d+|(?P<plain>.+)\.\d+\.partial", re.ASCII)
_FILES = re.compile(
    r"(run|receipt|bisect)\.json|metrics\.txt|(report|comment|ablation|junit)\.(html|md|xml)|[\w.-]+\.log"
    r"|calls\.npy|heldby\.npy|samples\.jsonl|histograms\.npz|(facts|waits|by-latency|benchmarks|failure)\.json|account\.msgpack"
    r"|\.calls\.npy|\.gitignore|pytest\.ini|[\w-]+\.folded|pyspy\.raw|memory\.bin(\.\d+)?"
)
_EXPORTED = re.compile(
    r"[\w.-]+\.(hgrm|csv|parquet|arrow|speedscope\.json|pb\.gz)|openmetrics\.txt|firefox-profiler\.json\.gz|bencher\.json|github-(bigger|smaller)-is-better\.json"
)
_FOLDERS = ("timing", "cpu", "wait", "memory", "servers", "export", "beside")
_NUMBERED = re.compile(r"(worker|round)-\d+", re.ASCII)
_OF_RUNS = (PROBES, "segments")


@dataclasses.dataclass(frozen=True, slots=True)
class StoredRun:
    """A folder of the harness with the facts that decide about its removal."""

    path: Path
    modified_s: float
    size_bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """The result of a search: finished folders of ours, newest first, and those that are left, with the reason."""

    runs: list[StoredRun]
    left: list[tuple[Path, str]]


def find(parent: Path) -> Found:
    """Return the folders directly under `parent`. Symbolic links are not followed, and no other folders are searched.

    A run without a recorded end is left until a day has passed.
    """
    runs, left = [], []
    for path in sorted(_folders(parent)):
        if not (_NAME.fullmatch(path.name) or _holds(path, DOCUMENT) or _holds(path, RECEIPT)):
            continue
        if why := foreign(path):
            left.append((path, why))
        elif _is_running(path):
            left.append((path, "it has not ended: it may be running, and counts as dead after a day"))
        else:
            runs.append(StoredRun(path, _modified_s(path), _size_bytes(path)))
    return Found(sorted(runs, key=lambda stored: stored.modified_s, reverse=True), left)


def foreign(path: Path) -> str | None:
    """Return why the folder `path` is not entirely the harness's own; None where it is."""
    try:
        return _not_ours(path) or next(_strangers(path), None)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _folders(parent: Path) -> Iterator[Path]:
    if parent.is_dir():
        with os.scandir(parent) as entries:
            yield from (Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))


def _not_ours(path: Path) -> str | None:
    """Return the fault of the document that identifies the folder as ours."""
    if _holds(path, DOCUMENT):
        return _not_our_document(path)
    if _holds(path, RECEIPT):
        return _undecodable(lambda: read_receipt(path / RECEIPT))
    # Its process was killed before it had written anything.
    return None if path.name.startswith(".") else f"it has no {DOCUMENT}"


def _not_our_document(path: Path) -> str | None:
    head = read_head(path)
    if head is None:
        return f"its {DOCUMENT} cannot be read"
    if head.schema != Head().schema:
        return f"its {DOCUMENT} has schema {head.schema}"
    if head.product == PRODUCT and (head.kind in _DOCUMENTS or head.kind in _RECEIPTS):
        return None
    if head.product or head.kind not in _DOCUMENTS:
        return f"its {DOCUMENT} is of another kind"
    # Written before documents named the product: then the whole document must be one of ours.
    return _undecodable(lambda: RunDirectory(path).read_as(head.kind, _DOCUMENTS[head.kind]))


def _undecodable(read: Callable[[], object]) -> str | None:
    try:
        read()
    except HarnessError as error:
        return error.what
    return None


def _strangers(folder: Path) -> Iterator[str]:
    """Yield entries in the folder of a run or session that the harness does not write."""
    head = read_head(folder)
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            if entry.name in _OF_RUNS:
                yield from _within_runs(Path(entry))
            elif entry.name in _FOLDERS:
                yield from _within(Path(entry))
            else:
                yield _holds_foreign(entry)
        elif not _is_our_file(entry) and not (
            head is not None and head.kind == ABLATION and entry.name.endswith(".json")
        ):
            yield _holds_foreign(entry)


def _within_runs(folder: Path) -> Iterator[str]:
    for entry in _entries(folder):
        if not entry.is_dir(follow_symlinks=False):
            yield _holds_foreign(entry)
        elif why := foreign(Path(entry)):
            yield f"{Path(entry).relative_to(folder.parent)}: {why}"


def _within(folder: Path) -> Iterator[str]:
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            if _NUMBERED.fullmatch(entry.name):
                yield from _within(Path(entry))
            else:
                yield _holds_foreign(entry)
        elif not _is_our_file(entry) and not (
            folder.name == "export"
            and entry.is_file(follow_symlinks=False)
            and _EXPORTED.fullmatch(entry.name)
        ):
            yield _holds_foreign(entry)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from sorted(entries, key=lambda entry: entry.name)


def _is_our_file(entry: os.DirEntry[str]) -> bool:
    if not entry.is_file(follow_symlinks=False):
        return False
    scratch = _SCRATCH.fullmatch(entry.name)
    name = (scratch["hidden"] or scratch["plain"]) if scratch else entry.name
    return _FILES.fullmatch(name) is not None


def _holds_foreign(entry: os.DirEntry[str]) -> str:
    return f"it holds {entry.name}, which the harness does not write"


def _holds(path: Path, name: str) -> bool:
    try:
        return stat.S_ISREG((path / name).lstat().st_mode)
    except OSError:
        return False


def _modified_s(path: Path) -> float:
    name = next((name for name in (DOCUMENT, RECEIPT) if _holds(path, name)), "")
    return (path / name).lstat().st_mtime


def _size_bytes(path: Path) -> int:
    return sum(
        (Path(folder) / name).lstat().st_blocks * 512 for folder, _, names in os.walk(path) for name in names
    )


def _is_running(path: Path) -> bool:
    head = read_head(path)
    is_over = head is not None and head.status not in {"started", "running"}
    if head is None and _holds(path, RECEIPT):
        is_over = True
    return not is_over and time.time() - _modified_s(path) < LONGEST_RUN_S
