"""Check on real servers everything that the core relies on in its stores: `harness doctor --backends external --verify`.

Every check writes and reads in places of its own (`targets.backends.own_places`), through the core's own stores where it can.
"""

import concurrent.futures
import dataclasses
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from neo4j.exceptions import DriverError, Neo4jError

from harness.errors import HarnessError
from targets.asset_core.counting import Tally
from targets.asset_core.errors import CoreError, StoreError
from targets.asset_core.model import Asset, Bundle, Relationship, Risk, Technology
from targets.asset_core.scope import Scope
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores import graph_queries
from targets.asset_core.stores.graph_writer import make_schema
from targets.asset_core.stores.names import DYNAMODB, NEO4J, REDIS
from targets.asset_core.stores.table import make_table
from targets.backends.own_places import COUNT_NODES, OwnPlaces, own_places

TENANT = "verify"
CREATE_AGAIN = "CREATE (:Asset {tenant: $tenant, id: $id})"
COUNT_LINKS = "MATCH (:Asset {tenant: $tenant})-[r]->() RETURN count(r) AS links"
LOCK_ONE = "MATCH (a:Asset {tenant: $tenant, id: $id}) SET a.exposure = 1.0"
HOSTILE = ("x'}) DETACH DELETE n //", "$id", "} OR 1=1 //", "\\", "*", "'")
_SCANS = ("AllNodesScan", "NodeByLabelScan")
_LIMIT_S = 60.0
_WRITERS = 6


class BrokenError(Exception):
    """A store did not do what the core relies on; the text says what it did."""


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """One promise of a store, and why it is not kept; an empty text if it is."""

    store: str
    promise: str
    broken: str = ""


def verify(settings: StoreSettings) -> Generator[Kept, None, None]:
    """Yield each promise as it is checked. Raises UsageError as `own_places`, and what a store that is down raises."""
    with own_places(settings) as places:
        make_table(places.stores.assets, _scope())
        make_schema(places.stores.graph, _scope())
        for store, promise, check in CONTRACT:
            yield Kept(store, promise, _broken(check, places))


def _broken(check: Callable[[OwnPlaces], None], places: OwnPlaces) -> str:
    try:
        check(places)
    except BrokenError as broken:
        return str(broken)
    except (CoreError, HarnessError, Neo4jError, DriverError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _scope() -> Scope:
    return Scope(time.monotonic() + _LIMIT_S, Tally())


def _equal(found: Any, expected: Any, what: str) -> None:
    if found != expected:
        raise BrokenError(f"{what}: {found!r:.200} instead of {expected!r:.200}")


def _bundle(number: int, *, technologies: int = 2, name: str = "Straße 雪 \N{SNOWMAN}") -> Bundle:
    asset = Asset(f"host:{number}", TENANT, "host", name, "", "", 3, ("a", "b"), "", "")
    return Bundle(
        asset,
        [Technology(f"t{place:02}", "1.0", "v", "") for place in range(technologies)],
        [Risk(f"risk:{number}", "CVE-1", "title", "high", 7.5, "none", "open", "2026-01-01T00:00:00Z")],
        [Relationship("DEPENDS_ON", f"host:{number + 1}", "host")],
    )


def _written(places: OwnPlaces, bundles: Sequence[Bundle]) -> None:
    report = places.stores.assets.write(bundles, _scope(), batched=True)
    _equal(dict(report.unwritten), {}, "items stayed unwritten")


def batches_read_back(places: OwnPlaces) -> None:
    """Write more than one batch, and read each asset with its technologies."""
    bundles = [_bundle(number) for number in range(30)]
    _written(places, bundles)
    for one in bundles:
        _equal(places.stores.assets.get_asset(TENANT, one.asset.id, _scope()), one.asset, one.asset.id)
        found = places.stores.assets.get_technologies(TENANT, one.asset.id, _scope())
        _equal(found, one.technologies, f"technologies of {one.asset.id}")


def last_of_equal_keys_wins(places: OwnPlaces) -> None:
    """Write one asset twice in a batch."""
    _written(places, [_bundle(100, name="first"), _bundle(100, name="last")])
    found = places.stores.assets.get_asset(TENANT, "host:100", _scope())
    _equal(found and found.name, "last", "the name of an asset that a batch held twice")


def large_pages_are_whole(places: OwnPlaces) -> None:
    """Read more than the megabyte of a page."""
    bundle = _bundle(101, technologies=0)
    many = [Technology(f"t{place:02}", "1", "v" * 40_000, "") for place in range(60)]
    _written(places, [Bundle(bundle.asset, many, [], [])])
    found = places.stores.assets.get_technologies(TENANT, "host:101", _scope())
    _equal(len(found), len(many), "technologies over several pages")


def batch_reads_equal_single_ones(places: OwnPlaces) -> None:
    """Read more than one batch of ids, some of which are not there."""
    ids = [f"host:{number}" for number in range(130)]
    singles = {one: places.stores.assets.get_asset(TENANT, one, _scope()) for one in ids}
    expected = {one: asset for one, asset in singles.items() if asset is not None}
    _equal(places.stores.assets.get_assets(TENANT, ids, _scope()), expected, "a batch of reads")


def graph_reads_back(places: OwnPlaces) -> None:
    """Write risks and relationships, and read them."""
    bundles = [_bundle(number) for number in range(20)]
    places.stores.graph.upsert(bundles, _scope())
    for one in bundles:
        _equal(places.stores.graph.get_risks(TENANT, one.asset.id, _scope()), one.risks, "risks")
        found, more = places.stores.graph.get_relationships(TENANT, one.asset.id, _scope())
        _equal((found, more), (one.relationships, False), "relationships")


def writing_again_changes_nothing(places: OwnPlaces) -> None:
    """Upsert the same assets twice."""
    bundles = [_bundle(number) for number in range(20)]
    places.stores.graph.upsert(bundles, _scope())
    before = _counts(places)
    places.stores.graph.upsert(bundles, _scope())
    _equal(_counts(places), before, "nodes and links after writing again")


def _counts(places: OwnPlaces) -> tuple[int, int]:
    run = places.stores.graph.run
    nodes = run(COUNT_NODES, {}, _scope())[0]["nodes"]
    return nodes, run(COUNT_LINKS, {"tenant": TENANT}, _scope())[0]["links"]


def identity_is_unique(places: OwnPlaces) -> None:
    """Create an asset that is there already."""
    places.stores.graph.upsert([_bundle(1)], _scope())
    try:
        places.stores.graph.run(CREATE_AGAIN, {"tenant": TENANT, "id": "host:1"}, _scope(), write=True)
    except StoreError as error:
        if "Constraint" not in str(error):
            raise
        return
    raise BrokenError("a second asset of the same tenant and id was made")


def values_are_only_values(places: OwnPlaces) -> None:
    """Ask for ids that would be code if they were part of a statement."""
    before = _counts(places)
    for hostile in HOSTILE:
        _equal(places.stores.graph.get_risks(TENANT, hostile, _scope()), [], f"risks of {hostile!r}")
        _equal(places.stores.graph.get_risks(hostile, "host:1", _scope()), [], f"risks in {hostile!r}")
    _equal(_counts(places), before, "nodes and links")


def rollback_leaves_nothing(places: OwnPlaces) -> None:
    """Take a transaction back."""
    with places.session() as session, session.begin_transaction() as transaction:
        transaction.run(CREATE_AGAIN, {"tenant": TENANT, "id": "host:rolled-back"}).consume()
        transaction.rollback()
    found = places.stores.graph.get_risks_and_exposure(TENANT, "host:rolled-back", _scope())
    _equal(found, ([], None), "what a transaction wrote that was rolled back")


def reads_see_writes(places: OwnPlaces) -> None:
    """Read right after each of many writes: the core passes no bookmarks."""
    places.stores.graph.upsert([_bundle(2)], _scope())
    for number in range(50):
        places.stores.graph.set_exposures(TENANT, {"host:2": float(number)}, _scope())
        found = places.stores.graph.get_exposures(TENANT, ["host:2"], _scope())
        _equal(found, {"host:2": float(number)}, f"the exposure after write {number + 1}")


def writers_at_once_all_succeed(places: OwnPlaces) -> None:
    """Upsert the same assets from several threads in different orders: the core's retries must cover what the server throws."""
    bundles = [_bundle(number) for number in range(200, 220)]

    def write(turn: int) -> None:
        places.stores.graph.upsert(bundles if turn % 2 else bundles[::-1], _scope())

    with concurrent.futures.ThreadPoolExecutor(_WRITERS) as pool:
        for done in [pool.submit(write, turn) for turn in range(_WRITERS)]:
            done.result()


def deadlocks_may_be_retried(places: OwnPlaces) -> None:
    """Lock two assets in opposite orders: whichever transaction loses must have an error that the driver calls retryable."""
    places.stores.graph.upsert([_bundle(3), _bundle(4)], _scope())
    both, lost = threading.Barrier(2, timeout=_LIMIT_S), list[Exception]()

    def lock(first: str, second: str) -> None:
        try:
            with places.session() as session, session.begin_transaction(timeout=20.0) as transaction:
                transaction.run(LOCK_ONE, {"tenant": TENANT, "id": first}).consume()
                both.wait()
                transaction.run(LOCK_ONE, {"tenant": TENANT, "id": second}).consume()
                transaction.commit()
        except (Neo4jError, DriverError) as error:
            lost.append(error)

    threads = [
        threading.Thread(target=lock, args=pair) for pair in (("host:3", "host:4"), ("host:4", "host:3"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    final = [error for error in lost if not getattr(error, "is_retryable", bool)()]
    if final or len(lost) > 1:
        raise BrokenError(f"{len(lost)} of 2 transactions failed, {len(final)} of them for good: {lost[0]}")


def statements_follow_indexes(places: OwnPlaces) -> None:
    """Let the server explain every statement of the core: no scan of all nodes, and no notification of a deprecation."""
    texts = [text for text in vars(graph_queries).values() if isinstance(text, str) and "MATCH (" in text]
    rows = [{"tenant": TENANT, "id": "x", "asset": "x", "source": "x", "target": "x", "exposure": 1.0}]
    parameters = {"tenant": TENANT, "id": "x", "ids": ["x"], "limit": 1, "rows": rows}
    with places.session() as session:
        for text in (*texts, *graph_queries.UPSERT_LINKS.values()):
            summary = session.run(f"EXPLAIN {text}", parameters).consume()
            scans = [name for name in _operators(summary.plan or {}) if name.startswith(_SCANS)]
            told = [
                one.status_description
                for one in summary.gql_status_objects
                if one.raw_classification == "DEPRECATION"
            ]
            if scans or told:
                raise BrokenError(f"{', '.join((*scans, *told))} in: {text}")


def _operators(plan: Any) -> Iterator[str]:
    yield str(plan.get("operatorType", ""))
    for child in plan.get("children", ()):
        yield from _operators(child)


def cache_keeps_bytes(places: OwnPlaces) -> None:
    """Store bytes of any value, and take them back."""
    key, value = f"{places.prefix}bytes", bytes(range(256))
    places.stores.cache.put(key, value, 60, _scope())
    _equal(places.stores.cache.get(key, _scope()), value, "a value of all bytes")
    places.stores.cache.remove([key], _scope())
    _equal(places.stores.cache.get(key, _scope()), None, "a value that was removed")


def cache_forgets(places: OwnPlaces) -> None:
    """Wait for the end of a value's life."""
    key = f"{places.prefix}short"
    places.stores.cache.put(key, b"x", 1, _scope())
    until_s = time.monotonic() + 10
    while places.stores.cache.get(key, _scope()) is not None:
        if time.monotonic() > until_s:
            raise BrokenError("a value with a life of 1 s was there after 10 s")
        time.sleep(0.05)


def only_ours_are_removed(places: OwnPlaces) -> None:
    """Remove keys by their pattern."""
    for name in ("a:1", "a:2", "b:1"):
        places.stores.cache.put(f"{places.prefix}{name}", b"x", 60, _scope())
    _equal(places.stores.cache.remove_all(f"{places.prefix}a:*", _scope()), 2, "keys removed by pattern")
    _equal(places.stores.cache.get(f"{places.prefix}b:1", _scope()), b"x", "a key beside the pattern")
    places.stores.cache.remove_all(f"{places.prefix}*", _scope())


CONTRACT: tuple[tuple[str, str, Callable[[OwnPlaces], None]], ...] = (
    (DYNAMODB, "what is written in batches reads back", batches_read_back),
    (DYNAMODB, "the last of equal keys in a batch wins", last_of_equal_keys_wins),
    (DYNAMODB, "a query is read over all of its pages", large_pages_are_whole),
    (DYNAMODB, "batch reads equal single reads", batch_reads_equal_single_ones),
    (NEO4J, "risks and relationships read back", graph_reads_back),
    (NEO4J, "writing again changes nothing", writing_again_changes_nothing),
    (NEO4J, "tenant and id are unique", identity_is_unique),
    (NEO4J, "values are never code", values_are_only_values),
    (NEO4J, "a rollback leaves nothing", rollback_leaves_nothing),
    (NEO4J, "a read sees the write before it, without bookmarks", reads_see_writes),
    (NEO4J, "writers at the same time all succeed", writers_at_once_all_succeed),
    (NEO4J, "a deadlock may be retried", deadlocks_may_be_retried),
    (NEO4J, "every lookup follows an index, and no statement is deprecated", statements_follow_indexes),
    (REDIS, "a value keeps its bytes", cache_keeps_bytes),
    (REDIS, "a value ends with its life", cache_forgets),
    (REDIS, "a pattern removes its keys alone", only_ours_are_removed),
)
"""Store, promise and check, in their order: later ones read what earlier ones wrote."""
