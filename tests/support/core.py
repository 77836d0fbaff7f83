"""What tests of the asset core share: a context as of Lambda, assets as callers send them, and cores on real servers."""

import json
import threading
import time

import pytest

from targets.asset_core.counting import Tally
from targets.asset_core.scope import Scope
from targets.core_events import proxy_event


class Context:
    """What Lambda hands to each request."""

    def __init__(self, remaining_ms):
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self):
        return self.remaining_ms


def failing(error):
    """Return what stands in for a method of a store and raises."""

    def raising(*_arguments, **_options):
        raise error

    return raising


def due_in(seconds):
    """Return the scope of a request that has so much time."""
    return Scope(time.monotonic() + seconds, Tally())


def wait_until(holds):
    """Wait until something holds that must come to hold."""
    event = threading.Event()
    for _ in range(3_000):
        if holds():
            return
        event.wait(0.01)
    pytest.fail("it never happened")


def sent_asset(asset_id="host:a", **fields):
    """Return the least of an asset that `POST /assets` takes."""
    return {"id": asset_id, "type": "host", "name": "a", **fields}


def sending(target):
    """Open a target; yield a function that sends a request to it and returns (status, document)."""
    target.open()

    def send(method, path, body=None):
        token = target._issuer.token("tenant-09", "ada", role="admin", use="id")
        event = proxy_event(method, path, {"Authorization": f"Bearer {token}"}, body and json.dumps(body))
        response = target.call(event)
        return response["statusCode"], json.loads(response["body"])

    send.counters = target._core.counters
    send.stores = target._core._container.resources.stores
    yield send
    target.close()


def counts(stores, scope):
    """Return how many nodes and links the graph holds."""
    nodes = stores.graph.run("MATCH (n) RETURN count(n) AS n", {}, scope)[0]["n"]
    links = stores.graph.run("MATCH ()-[r]->() RETURN count(r) AS n", {}, scope)[0]["n"]
    return nodes, links
