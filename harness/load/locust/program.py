"""Run Locust's own program in this process."""

import locust.main  # isort: skip
import os
import random
import sys
from typing import Any

EVENTS: Any = locust.events
"""The events that every locustfile sees."""
MASTER: Any = locust.runners.MasterRunner
"""Class of the runner of a process that leads others and has no users."""


def run(words: list[str]) -> None:
    """Run Locust with these words; it ends the process with `SystemExit`. Raises what a locustfile raises when it is imported."""
    if seed := os.environ.get("HARNESS_LOCUST_SEED"):
        # A comparison wants the same users on both sides.
        random.seed(seed)
    sys.argv = ["locust", *words]
    locust.main.main()
