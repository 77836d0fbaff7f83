"""Make a boto3 client with additional limits: idle connections expire, each attempt is cut to the call's time.

botocore's pool neither blocks nor ages, and its time-outs are per client. The gate before the pool (`gate.py`) blocks;
this module replaces the pool's classes and the function that sets an attempt's time-outs.
"""

import functools
import logging
import os
import threading
import time
from typing import Any

from targets.asset_core.profiles import DynamoLimits
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.current import CurrentCall
from targets.asset_core.stores.dynamo_retries import bound_retries

# A session must not make two clients at the same time.
_SESSION_LOCK = threading.Lock()


def make_client(settings: StoreSettings, limits: DynamoLimits, current: CurrentCall, *, pooling: bool) -> Any:
    """Return a DynamoDB client, not connected yet. Credentials come from boto3's own chain."""
    from botocore.config import Config

    # Its DEBUG messages include the session token of the credentials.
    logging.getLogger("botocore").setLevel(logging.INFO)
    config = Config(
        connect_timeout=limits.connect_s,
        read_timeout=limits.response_s,
        max_pool_connections=limits.idle_connections,
        # `max_attempts` would count the retries only.
        retries={"mode": "adaptive", "total_max_attempts": limits.attempts},
    )
    with _SESSION_LOCK:
        client = _session(os.environ.get("AWS_ACCESS_KEY_ID")).client(
            "dynamodb", region_name=settings.region, endpoint_url=settings.dynamo_endpoint, config=config
        )
    bound_retries(client, current)
    _limit(client, limits, current, idle_s=limits.idle_s if pooling else 0.0)
    return client


@functools.lru_cache(maxsize=1)
def _session(_key_id: str | None) -> Any:
    """Return the process's boto3 session, as `boto3.client` does: it caches the service models.

    It caches the credentials, too: another key in the environment gets another session.
    """
    import boto3

    return boto3.session.Session()


def _limit(client: Any, limits: DynamoLimits, current: CurrentCall, *, idle_s: float) -> None:
    from botocore.awsrequest import AWSHTTPConnectionPool, AWSHTTPSConnectionPool
    from urllib3 import Timeout

    def attempt_timeout(_request: object) -> Timeout:
        return Timeout(connect=current.allow(limits.connect_s), read=current.allow(limits.response_s))

    # These are private names of botocore, checked by a test: neither has a public way.
    session = client._endpoint.http_session  # noqa: SLF001
    session._get_request_timeout = attempt_timeout  # noqa: SLF001
    session._manager.pool_classes_by_scheme = {  # noqa: SLF001
        "http": ageing(AWSHTTPConnectionPool, idle_s),
        "https": ageing(AWSHTTPSConnectionPool, idle_s),
    }


def ageing(base: type[Any], idle_s: float) -> type[Any]:
    """Return a urllib3 pool class that closes a connection idle for `idle_s` before its next use.

    A truncated response is an error, which is retried. botocore would accept it as complete, and take an empty
    response for the answer that the item does not exist.
    """
    from urllib3.exceptions import ProtocolError

    class AgeingPool(base):  # type: ignore[misc]
        def urlopen(self, *arguments: Any, **options: Any) -> Any:
            response = super().urlopen(*arguments, **options | {"enforce_content_length": True})
            if response.length_remaining is None and not response.chunked:
                response.close()
                raise ProtocolError("the headers of the answer were cut short")
            return response

        def _get_conn(self, timeout: float | None = None) -> Any:
            connection = super()._get_conn(timeout)
            released_s = getattr(connection, "released_s", None)
            if released_s is not None and time.monotonic() - released_s >= idle_s:
                # A closed connection is reopened when it is used.
                connection.close()
            return connection

        def _put_conn(self, connection: Any) -> None:
            if connection is not None:
                connection.released_s = time.monotonic()
            super()._put_conn(connection)

    return AgeingPool
