"""The document of imported results: what another tool measured, in the harness's terms and units."""

from typing import Annotated

import msgspec

from harness.storage.folder import FINISHED, SCHEMA

KIND = "imported"
Number = Annotated[float, msgspec.Meta(ge=0, le=1e18)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class ImportedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark or operation: the number of its calls (or rounds), and times in ns.

    None stands for a figure that the source lacks, or that rests on too few calls.
    """

    name: str
    count: Count
    failed: Count | None = None
    min_ns: Number | None = None
    mean_ns: Number | None = None
    p50_ns: Number | None = None
    p95_ns: Number | None = None
    p99_ns: Number | None = None
    max_ns: Number | None = None


class ImportedDocument(msgspec.Struct, kw_only=True):
    """`run.json` of imported results. `tool` made the file `source`; `facts` are what it says of its machine and commit."""

    schema: int = SCHEMA
    status: str = FINISHED
    kind: str = KIND
    tool: str
    source: str
    source_sha256: str
    started_at: str
    command: str
    rows: list[ImportedRow]
    facts: dict[str, str] = {}
    notes: list[str] = []
