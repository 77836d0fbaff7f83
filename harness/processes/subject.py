"""The subject of a run: the target that the measured process makes, and the server that it asks, if there is one."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from harness.serving.server import RunningServer, Server


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """The target of a run: the place of its factory, its parameters, and the environment of its process (with secrets)."""

    factory: str
    parameters: Mapping[str, str]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    overlay: Path | None = None
    """Folder with the source roots of a side other than the running tree: see `harness.processes.tree`."""
    server: Server | RunningServer | None = None
    """The server whose address is the target in place of `factory`: one to start for each run, or one that runs."""
