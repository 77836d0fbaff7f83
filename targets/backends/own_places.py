"""Places of one's own in the stores that a user names: a table, a graph database and a prefix, made for a moment and removed.

A Neo4j that cannot make databases (the Community Edition has one) lends its own, if that holds nothing; it is emptied afterwards.
"""

import contextlib
import dataclasses
import secrets
from collections.abc import Iterator
from typing import Any

import neo4j
from botocore.exceptions import BotoCoreError, ClientError
from neo4j.exceptions import Neo4jError

from harness.errors import ServerError, UsageError
from targets.asset_core.profiles import SERVER
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.servers import OpenedStores, ServerStores

COUNT_NODES = "MATCH (n) RETURN count(n) AS nodes"
REMOVE_ALL = "MATCH (n) DETACH DELETE n"
REMOVE_CONSTRAINTS = ("DROP CONSTRAINT asset_identity IF EXISTS", "DROP CONSTRAINT risk_identity IF EXISTS")
_SYSTEM = "system"


@dataclasses.dataclass(frozen=True, slots=True)
class OwnPlaces:
    """The stores with these places in them; `prefix` is of Redis keys, `driver` a plain one for the graph."""

    stores: OpenedStores
    settings: StoreSettings
    driver: Any
    prefix: str

    def session(self) -> Any:
        """Return a plain session of the graph."""
        return self.driver.session(database=self.settings.neo4j_database)


@contextlib.contextmanager
def own_places(settings: StoreSettings) -> Iterator[OwnPlaces]:
    """Yield places with nothing in them; remove them, with all that is in them, at the end of the block.

    The table is not made yet. Raises UsageError for a graph with data that cannot make a database, before anything is made.
    """
    name = f"harness-verify-{secrets.token_hex(4)}"
    auth = (settings.neo4j_user, settings.neo4j_password)
    with contextlib.ExitStack() as ending:
        driver = ending.enter_context(neo4j.GraphDatabase.driver(settings.neo4j_uri, auth=auth))
        database = ending.enter_context(_database(driver, name, settings.neo4j_database))
        own = dataclasses.replace(settings, table=name, neo4j_database=database)
        stores = ServerStores(own)(SERVER, pooling=True)
        for store in (stores.assets, stores.graph, stores.cache):
            ending.callback(store.close)
        ending.callback(_remove_table, stores.assets.client, name)
        yield OwnPlaces(stores, own, driver, f"{name}:")


@contextlib.contextmanager
def _database(driver: Any, name: str, given: str | None) -> Iterator[str | None]:
    """Yield a database of one's own, or the given one if it holds nothing; None is the user's home."""
    try:
        with driver.session(database=_SYSTEM) as session:
            session.run(f"CREATE DATABASE `{name}` WAIT").consume()
    except Neo4jError:
        with _lent(driver, given):
            yield given
        return
    try:
        yield name
    finally:
        with driver.session(database=_SYSTEM) as session:
            session.run(f"DROP DATABASE `{name}` IF EXISTS").consume()


@contextlib.contextmanager
def _lent(driver: Any, database: str | None) -> Iterator[None]:
    with driver.session(database=database) as session:
        found = session.run(COUNT_NODES).single()["nodes"]
    if found:
        raise UsageError(
            f"This graph server makes no database for the harness, and the one that it has holds {found:,} nodes",
            where=f"NEO4J_DATABASE={database}" if database else "the home database of NEO4J_USER",
            remedy="Name an empty one in NEO4J_DATABASE, or verify on a server without data",
        )
    try:
        yield
    finally:
        with driver.session(database=database) as session:
            session.run(REMOVE_ALL).consume()
            for statement in REMOVE_CONSTRAINTS:
                # Not every server can remove one; an empty database may keep it.
                with contextlib.suppress(Neo4jError):
                    session.run(statement).consume()


def _remove_table(client: Any, name: str) -> None:
    try:
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            client.delete_table(TableName=name)
    except (BotoCoreError, ClientError) as error:
        raise ServerError(
            f"The table {name} could not be removed: {error}", remedy="Remove it by hand"
        ) from error
