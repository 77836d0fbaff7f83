"""The scenarios for people who live in Locust: `locust -f scenarios/locustfile.py`, its UI and its workers included.

`HARNESS_SCENARIO` (default `closed`) gives the mix of operations and the think time, `HARNESS_TARGET` (default that of the
scenario) is a target: `known:NAME?key=value`, `asset-core`, `path/to/file.py:factory` or `package.module:factory`. Locust
decides on users and time. Its statistics are its own, and rounded; each test leaves a run directory in `HARNESS_OUT`
(default `runs`) besides, with every call, exact percentiles and whether they can be trusted: `harness report` shows it.
"""

# Locust is imported by this, and must be before anything that the target imports.
from harness.work.plain_locust import user_of  # isort: skip
import os
import sys

import locust

from harness.errors import HarnessError
from harness.redaction.visible import shown_lines

try:
    TargetUser = user_of(os.environ, locust.events)
except HarnessError as error:
    sys.stderr.write(shown_lines(f"harness: {error}\n"))
    sys.exit(int(error.exit_code))
