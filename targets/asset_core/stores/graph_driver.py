"""Make a Neo4j driver with an additional limit: reads are bounded by the time of their call.

The driver has no client-side read time-out: an unresponsive server would block a thread for ever.
"""

import functools
import logging
from typing import Any

from targets.asset_core.profiles import GraphLimits
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.current import CurrentCall

LONGEST_READ_S = 30.0
FETCH_SIZE = 1_100
"""Rows of one fetch: more than any read here returns, so that each read takes one fetch."""


def make_driver(settings: StoreSettings, limits: GraphLimits, current: CurrentCall, *, pooling: bool) -> Any:
    """Return a driver, not connected yet."""
    import neo4j

    logging.getLogger("neo4j").setLevel(logging.WARNING)
    driver = neo4j.GraphDatabase.driver(
        settings.neo4j_uri,
        auth=(settings.neo4j_user, settings.neo4j_password),
        max_connection_pool_size=limits.pool_size if pooling else 1_000,
        connection_acquisition_timeout=limits.acquire_s,
        connection_timeout=limits.connect_s,
        # The driver's own retries sleep past any deadline: see `graph_retries.py`. A value below zero disables them.
        max_transaction_retry_time=-1.0,
        liveness_check_timeout=limits.idle_test_s,
        # A connection past its lifetime is closed before its next use.
        max_connection_lifetime=3600 if pooling else 0,
        fetch_size=FETCH_SIZE,
        telemetry_disabled=True,
    )
    _bound_reads(driver, current)
    return driver


def _bound_reads(driver: Any, current: CurrentCall) -> None:
    # This is a private name of the driver, checked by a test. The driver itself calls `set_read_timeout` when a
    # server sends the hint `connection.recv_timeout_seconds`.
    pool = driver._pool  # noqa: SLF001
    acquire = pool.acquire

    @functools.wraps(acquire)
    def bounded(access_mode: Any, timeout: Any, *args: Any, **kwargs: Any) -> Any:
        # Each attempt passes here: one without time left is not made.
        current.check()
        timeout = getattr(timeout, "to_timeout", lambda: timeout)()
        connection = acquire(access_mode, current.allow(timeout or LONGEST_READ_S), *args, **kwargs)
        connection.socket.set_read_timeout(current.allow(LONGEST_READ_S))
        return connection

    pool.acquire = bounded
