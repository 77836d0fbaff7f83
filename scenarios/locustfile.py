"""The scenarios for users of Locust: `locust -f scenarios/locustfile.py`, with its UI and its workers.

`HARNESS_SCENARIO` (default `closed`) gives the mix of operations and the think time, `HARNESS_TARGET` (default that of the
scenario) is a target: `known:NAME?key=value`, `asset-core`, `path/to/file.py:factory` or `package.module:factory`. Locust
sets users and time. Its statistics are rounded; each test also leaves a run directory in `HARNESS_OUT` (default `runs`)
with every call, exact percentiles and their validity: `harness report` shows it.
"""

# This import loads Locust, which must precede all imports of the target.
from harness.work.plain_locust import user_of  # isort: skip
import os
import sys

import locust

from harness.commands.showing.of_locust import present
from harness.errors import HarnessError
from harness.redaction.visible import shown_lines

try:
    TargetUser = user_of(os.environ, locust.events, present)
except HarnessError as error:
    sys.stderr.write(shown_lines(f"harness: {error}\n"))
    sys.exit(int(error.exit_code))
