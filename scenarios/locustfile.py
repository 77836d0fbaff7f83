"""The scenarios for people who live in Locust: `locust -f scenarios/locustfile.py`, its UI and its workers included.

`HARNESS_SCENARIO` (default `closed`) gives the mix of operations, `HARNESS_TARGET` (default `known:constant`) is a
target: `known:NAME?key=value`, `asset-core`, `path/to/file.py:factory` or `package.module:factory`. Locust decides
on users and time, and its statistics are Locust's own: they round, and know no intended start. For numbers that can
be defended use `harness run`.
"""

# Locust is imported by this, and must be before anything that the target imports.
from harness.load.locust_user import make_user  # isort: skip
import os

from harness.commands.subjects import find_scenario, select

_scenario = find_scenario(os.environ.get("HARNESS_SCENARIO", "closed"))
_selection = select(os.environ.get("HARNESS_TARGET"), _scenario, ())

TargetUser = make_user(
    _selection.entry.factory,
    _selection.parameters(_selection.variants[0]),
    _scenario.operations,
    _scenario.think_time_s,
)
