"""Make the JSON Schema of every command's `--json`: `python -m harness.commands.documents.schemas docs/schemas` writes them."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.commands.documents import capacity, others, over_time, profiled, runs, sessions
from harness.commands.documents.parts import Failed

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = "#/$defs/{name}"

_SESSION = (sessions.Session, runs.Listed)
DOCUMENTS: Mapping[str, tuple[type, ...]] = {
    "init": (others.Start,),
    "list": (others.Inventory,),
    "run": (runs.Runs,),
    "profile": (profiled.Profiled,),
    "capacity": (capacity.Capacity,),
    "bench": (runs.MicroRuns, runs.Listed),
    "compare": _SESSION,
    "gate": _SESSION,
    "judge": (sessions.Session,),
    "history": (over_time.History, over_time.Additions, sessions.Session),
    "bisect": (over_time.Found,),
    "index": (over_time.Index,),
    "ablate": (sessions.Ablation,),
    "calibrate": (sessions.Calibration,),
    "report": (runs.Runs, runs.MicroRuns, profiled.Profiled, capacity.Capacity, runs.Imported),
    "export": (others.Exports,),
    "import": (runs.Imported,),
    "doctor": (others.Diagnosis,),
    "clean": (others.Removal,),
}
"""The documents that each command may print; each may print `Failed` instead. `harness locust` prints what Locust does."""


def schema_of(command: str) -> dict[str, Any]:
    """Return the schema of what a command prints with `--json`."""
    kinds = (*DOCUMENTS[command], Failed)
    references, definitions = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    return {
        "$schema": DIALECT,
        "title": f"harness {command} --json",
        "anyOf": list(references),
        "$defs": dict(sorted(definitions.items())),
    }


def text_of(command: str) -> str:
    """Return the file of a schema."""
    return msgspec.json.format(msgspec.json.encode(schema_of(command)), indent=1).decode() + "\n"


def write_all(folder: Path) -> None:
    """Write the schema of every command as `COMMAND.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    for command in DOCUMENTS:
        (folder / f"{command}.json").write_text(text_of(command), "utf-8")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
