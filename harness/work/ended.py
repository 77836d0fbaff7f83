"""End the work of a command: normally, by Ctrl-C or by an error; measurements until then are kept."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

from harness.errors import HarnessError
from harness.run.directory import RunDirectory
from harness.supervise import Supervisor, termination_as_exception


@dataclasses.dataclass(slots=True)
class EarlyEnd:
    """Interruption by the user, and the error that ended the work early."""

    interrupted: bool = False
    error: HarnessError | None = None

    @contextlib.contextmanager
    def noted(self, has_kept: Callable[[], object] = lambda: False) -> Iterator[None]:
        """End the block cleanly on Ctrl-C and on an error, and note which of them it was.

        An error is noted if `has_kept` reports measurements from before it; otherwise, and without `has_kept`, it is raised.
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
        """Do as `noted`, and yield the supervisor of processes that the block starts: none of them outlives the block.

        A request to terminate (SIGTERM, SIGHUP) ends the block as Ctrl-C does.
        """
        with self.noted(has_kept), termination_as_exception(), Supervisor() as supervisor:
            yield supervisor


@dataclasses.dataclass(slots=True)
class Work(EarlyEnd):
    """The end of the work, and the run directories with content."""

    directories: list[RunDirectory] = dataclasses.field(default_factory=list)
