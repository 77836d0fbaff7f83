"""Run moto as the DynamoDB server of an embedded run: `python -P -m targets.backends.moto_child HOST PORT`.

Its environment holds the key that requests must be signed with (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`). Two
differences from `moto_server` avoid an emulator's quirks that DynamoDB does not have. Its web server closes
every connection after one request; gevent's keeps them, as DynamoDB does. And moto's query sorts the whole table (34
queries a second on 500 assets, 1.4 s for one on 10,000); this one reads the requested partition only. A third
is for safety: moto accepts every signature, resets itself on any request to `/moto-api/reset`, and allows every web
page to read its responses. This server serves DynamoDB alone, to clients with the key.
"""

import inspect
import os
import socket
import sys
import threading
from typing import Any

from gevent.pywsgi import WSGIServer
from moto.dynamodb.models.table import Table
from moto.moto_server.werkzeug_app import create_backend_app

from targets.backends.signed_requests import OnlySigned

_asked = threading.local()
_all_items = Table.all_items
_query = Table.query
_SIGNATURE = inspect.signature(_query)


def all_items(table: Any) -> Any:
    """Return every item in order, or only those of the partition that the running query requests."""
    partition = getattr(_asked, "partition", None)
    if partition is None or not table.range_key_attr:
        return _all_items(table)
    return sorted(table.items.get(partition, {}).values(), key=lambda item: item.range_key)


def query(table: Any, hash_key: Any, *positional: Any, **named: Any) -> Any:
    """Query like moto, which then filters by partition; an index has its own partitions."""
    asked = _SIGNATURE.bind(table, hash_key, *positional, **named).arguments
    _asked.partition = hash_key if asked.get("index_name") is None else None
    try:
        return _query(table, hash_key, *positional, **named)
    finally:
        _asked.partition = None


class Server(WSGIServer):  # type: ignore[misc]
    """Send each part of a response at once: on a kept connection, Nagle's delay would cost 40 ms."""

    def handle(self, connection: Any, address: Any) -> None:
        """Serve one connection."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle(connection, address)


def main() -> None:
    """Serve until the process is terminated."""
    Table.all_items = all_items
    Table.query = query
    host, port = sys.argv[1], int(sys.argv[2])
    # moto reads its own port from here.
    os.environ["MOTO_PORT"] = str(port)
    # Remove the credentials from the environment, which code that moto runs for requests could read.
    key_id, secret = os.environ.pop("AWS_ACCESS_KEY_ID"), os.environ.pop("AWS_SECRET_ACCESS_KEY")
    application = OnlySigned(create_backend_app("dynamodb"), key_id, secret)
    Server((host, port), application, log=None).serve_forever()


if __name__ == "__main__":
    main()
