"""Say why a run could not continue, and what an exception was caused by."""

from collections.abc import Iterator

from harness.errors import HarnessError


def as_trouble(error: BaseException) -> HarnessError:
    """Return an exception of a greenlet, task or thread that drives calls as a `HarnessError` that ends the run."""
    if isinstance(error, HarnessError):
        return error
    return HarnessError(
        f"The driver failed: {type(error).__name__}: {error}",
        remedy="Read worker.log in the run directory, and report the error",
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and the exceptions that it was raised from or during, each once."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
