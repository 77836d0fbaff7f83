"""The DynamoDB of an embedded run: moto as a server process: `python -P -m targets.backends.moto_child HOST PORT`.

Its environment holds the key that requests must be signed with (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`). Two
things are unlike `moto_server`, so that an emulator's quirks do not pass for DynamoDB's. Its web server closes
every connection after one request; gevent's keeps them, as DynamoDB does. And moto's query sorts the whole table (34
queries a second on 500 assets, 1.4 s for one on 10,000); this one reads the partition that it is asked for. A third
is for safety: moto believes every signature, resets itself for whoever asks `/moto-api/reset`, and tells browsers that
every page may read its answers. Here DynamoDB alone is served, to those who hold the key.
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
    """Return every item in order, or only those of the partition that the running query asks for."""
    partition = getattr(_asked, "partition", None)
    if partition is None or not table.range_key_attr:
        return _all_items(table)
    return sorted(table.items.get(partition, {}).values(), key=lambda item: item.range_key)


def query(table: Any, hash_key: Any, *positional: Any, **named: Any) -> Any:
    """Query as moto does, which then filters by partition; an index has partitions of its own."""
    asked = _SIGNATURE.bind(table, hash_key, *positional, **named).arguments
    _asked.partition = hash_key if asked.get("index_name") is None else None
    try:
        return _query(table, hash_key, *positional, **named)
    finally:
        _asked.partition = None


class Server(WSGIServer):  # type: ignore[misc]
    """Sends each part of an answer at once: on a connection that is kept, waiting for company would cost 40 ms."""

    def handle(self, connection: Any, address: Any) -> None:
        """Serve one connection."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle(connection, address)


def main() -> None:
    """Serve until the process is ended."""
    Table.all_items = all_items
    Table.query = query
    host, port = sys.argv[1], int(sys.argv[2])
    # Moto reads its own port from here.
    os.environ["MOTO_PORT"] = str(port)
    # The environment is not left to what moto runs on behalf of requests.
    key_id, secret = os.environ.pop("AWS_ACCESS_KEY_ID"), os.environ.pop("AWS_SECRET_ACCESS_KEY")
    application = OnlySigned(create_backend_app("dynamodb"), key_id, secret)
    Server((host, port), application, log=None).serve_forever()


if __name__ == "__main__":
    main()
