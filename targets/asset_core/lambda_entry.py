"""The entry module of the Lambda function: all resources are made on import, in Lambda's init phase.

A missing variable ends the import. Unavailable stores do not: the failure is remembered, answered with 503, and tried
again after a back-off.
"""

import logging
import os
import sys
import time
from typing import Any

_BEGAN_NS = time.perf_counter_ns()

from targets.asset_core.core import Core  # noqa: E402
from targets.asset_core.errors import CoreError  # noqa: E402
from targets.asset_core.logs import log_error  # noqa: E402
from targets.asset_core.plan import Plan  # noqa: E402 (the cost of importing is measured)
from targets.asset_core.settings import read_profile, read_stores, read_tokens  # noqa: E402
from targets.asset_core.stores.servers import ServerStores  # noqa: E402

LOG = logging.getLogger("asset_core.lambda")


def _emit(line: str) -> None:
    # CloudWatch extracts embedded metrics from standard output.
    sys.stdout.write(line + "\n")


def _start() -> Core:
    plan = Plan(
        tokens=read_tokens(os.environ),
        open_stores=ServerStores(read_stores(os.environ)),
        profile=read_profile(os.environ),
    )
    core = Core(plan, _emit)
    try:
        core.open()
    except CoreError as error:
        log_error(LOG, "initialisation failed; requests get 503 until a new try succeeds", error)
    return core


IMPORT_NS = time.perf_counter_ns() - _BEGAN_NS
CORE = _start()
INITIALISE_NS = time.perf_counter_ns() - _BEGAN_NS - IMPORT_NS


def handler(event: Any, context: object) -> dict[str, Any]:
    """Answer an API Gateway proxy event."""
    return CORE.handler(event, context)
