"""What the work of a command left: the run directories, and how it ended."""

import dataclasses

from harness.errors import HarnessError
from harness.run.directory import RunDirectory


@dataclasses.dataclass(slots=True)
class Work:
    """The run directories that hold something, whether the user stopped the work, and what ended it early."""

    directories: list[RunDirectory] = dataclasses.field(default_factory=list)
    interrupted: bool = False
    error: HarnessError | None = None
