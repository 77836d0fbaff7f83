"""How the work of a command ends: at its end, by Ctrl-C or by an error; and that what was measured until then is kept."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

from harness.errors import HarnessError
from harness.run.directory import RunDirectory
from harness.supervise import Supervisor, termination_as_exception


@dataclasses.dataclass(slots=True)
class EarlyEnd:
    """Whether the user stopped the work, and the error that ended it early."""

    interrupted: bool = False
    error: HarnessError | None = None

    @contextlib.contextmanager
    def noted(self, has_kept: Callable[[], object] = lambda: False) -> Iterator[None]:
        """End the block in good order on Ctrl-C and on an error, and note which of them it was.

        An error is noted where `has_kept` finds something that was measured before it; else, and without it, it is raised.
        """
        try:
            yield
        except KeyboardInterrupt:
            self.interrupted = True
        except HarnessError as error:
            if not has_kept():
                raise
            self.error = error

    @contextlib.contextmanager
    def measuring(self, has_kept: Callable[[], object] = lambda: False) -> Iterator[Supervisor]:
        """Do as `noted`, and yield the supervisor of what the block starts: nothing of that outlives the block.

        A request to terminate ends the block as Ctrl-C does.
        """
        with self.noted(has_kept), termination_as_exception(), Supervisor() as supervisor:
            yield supervisor


@dataclasses.dataclass(slots=True)
class Work(EarlyEnd):
    """How the work ended, and the run directories that hold something."""

    directories: list[RunDirectory] = dataclasses.field(default_factory=list)
