"""Sample the resources of a process whose calls run in threads, from a thread of its own."""

import contextlib
import threading
from collections.abc import Iterator

from harness.load.sampling import Sampler


@contextlib.contextmanager
def sampling(sampler: Sampler) -> Iterator[None]:
    """Take samples during the block."""
    over = threading.Event()

    def sample() -> None:
        while not over.wait(sampler.take()):
            pass

    thread = threading.Thread(target=sample, name="harness-samples", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
