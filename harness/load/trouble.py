"""Turn a fault of the driver into an error that ends the run in good order."""

from harness.errors import HarnessError


def as_trouble(error: BaseException) -> HarnessError:
    """Return an exception of code that drives calls as a `HarnessError` that ends the run."""
    if isinstance(error, HarnessError):
        return error
    return HarnessError(
        f"The driver failed: {type(error).__name__}: {error}",
        remedy="Read worker.log in the run directory, and report the error",
    )
