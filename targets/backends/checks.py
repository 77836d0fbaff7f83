"""Check the embedded servers for `harness doctor`: start each one and query it."""

import dataclasses
from collections.abc import Callable

from harness.errors import ServerError
from harness.supervise import Supervisor, private_folder
from targets.backends.dynamodb import DynamoServer
from targets.backends.embedded import EmbeddedServers
from targets.backends.graph import GraphServer
from targets.backends.redis import RedisServer
from targets.backends.server import MakesServer


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One finding: its state, a sentence for people, and the remedy if it failed."""

    ok: bool
    sentence: str
    remedy: str = ""


def redis() -> Check:
    """Start redis-server, query it, and stop it."""
    return _check(RedisServer)


def graph() -> Check:
    """Start ArcadeDB, query it through the Neo4j driver, and stop it."""
    return _check(GraphServer)


def dynamodb() -> Check:
    """Start moto, query it through boto3, and stop it."""
    return _check(DynamoServer)


CHECKS: dict[str, Callable[[], Check]] = {"dynamodb": dynamodb, "neo4j": graph, "redis": redis}
"""Checks by the store's key; each takes up to a few seconds and leaves nothing running."""


def _check(make: MakesServer) -> Check:
    with private_folder() as folder:
        try:
            with Supervisor() as supervisor, EmbeddedServers([make]) as servers:
                servers.start(supervisor, folder)
                ((name, seconds),) = servers.start_s.items()
                return Check(ok=True, sentence=f"{name}: starts and answers in {seconds:.1f} s")
        except ServerError as error:
            return Check(ok=False, sentence=error.what, remedy=error.remedy)
