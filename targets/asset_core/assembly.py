"""Make the resources that every request uses: stores, caches, keys and executors."""

import contextlib
import dataclasses
import functools
import random
import time
from collections.abc import Callable, Iterator

from targets.asset_core.allocations import AllocationTracker
from targets.asset_core.buffers import BufferPool
from targets.asset_core.cache.breaker import Breaker
from targets.asset_core.cache.flight import SingleFlight
from targets.asset_core.cache.invalidations import Invalidations
from targets.asset_core.cache.levels import AssetCache
from targets.asset_core.cache.local import LocalCache
from targets.asset_core.cache.shared import SharedCache
from targets.asset_core.counting import Tally
from targets.asset_core.encoding import Encode, make_encode
from targets.asset_core.errors import CoreError
from targets.asset_core.executor import AtOnce, Executor, InTurn
from targets.asset_core.feed import make_feed
from targets.asset_core.fetch import Fetcher
from targets.asset_core.gc_policy import GcPolicy
from targets.asset_core.health import HealthChecker
from targets.asset_core.ingest import Ingest
from targets.asset_core.plan import Plan
from targets.asset_core.processing import WORKERS, Processor
from targets.asset_core.security.bearer import Authenticate, TokenCache
from targets.asset_core.security.jwks import KeyRing
from targets.asset_core.security.tokens import Verifier
from targets.asset_core.stores.protocols import Stores
from targets.asset_core.tracing import Tracing
from targets.asset_core.workers.jobs import Jobs
from targets.asset_core.workers.kinds import POOLS
from targets.asset_core.workers.pool import PerItem, Pool, WorkerPool
from targets.asset_core.workers.records import JobRecords
from targets.asset_core.workers.tools import Feed, Tools, by_product
from targets.asset_core.workspace import Workspace, make_workspace

STORES = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Resources:
    """The resources of a process: made by `build`, used by every request, ended by `close`."""

    stores: Stores
    executor: Executor
    cache: AssetCache
    local: LocalCache | None
    authenticate: Authenticate
    health: HealthChecker
    encode: Encode
    ingest: Ingest
    processor: Processor
    jobs: Jobs
    workspace: Workspace
    invalidations: Invalidations
    phases_ns: dict[str, int]

    def watch(self, tally: Tally) -> None:
        """Start the background activities: health checks, and listening to other processes' writes."""
        self.health.start(tally, self.cache.settle)
        if self.local is not None:
            self.invalidations.start()

    def close(self) -> None:
        """Close all resources; a failure of one store leaves none of the others open."""
        self.health.stop()
        self.invalidations.stop()
        self.jobs.close()
        self.executor.close()
        self.processor.executor.close()
        for store in (self.stores.assets, self.stores.graph, self.stores.cache):
            with contextlib.suppress(CoreError):
                store.close()


def build(plan: Plan, tracing: Tracing, policy: GcPolicy | None = None) -> Resources:
    """Make the resources; connections come later. Raises SettingsError for a bad key set or address."""
    phases_ns: dict[str, int] = {}
    with phase(phases_ns, "keys"):
        authenticate = _make_authenticate(plan)
    with phase(phases_ns, "clients"):
        stores = plan.open_stores(plan.profile, pooling=plan.switches.pooling)
    with phase(phases_ns, "assembly"):
        return _assemble(
            plan, tracing, policy or GcPolicy(AllocationTracker()), stores, authenticate, phases_ns
        )


def _assemble(
    plan: Plan,
    tracing: Tracing,
    policy: GcPolicy,
    stores: Stores,
    authenticate: Authenticate,
    phases_ns: dict[str, int],
) -> Resources:
    switches = plan.switches
    executor = AtOnce(plan.profile.fetch_workers, plan.wrap) if switches.parallel_fetch else InTurn()
    encode = make_encode(switches, BufferPool())
    local = LocalCache(plan.clocks.monotonic) if switches.l1 else None
    cache = _make_cache(plan, tracing, stores, Fetcher(stores, executor, tracing), encode, local)
    ingest = Ingest(stores, cache, switches.batch_writes)
    workspace = make_workspace(pooled=switches.object_pools)
    feed = functools.partial(feed_of, plan.seed)
    return Resources(
        stores=stores,
        executor=executor,
        cache=cache,
        local=local,
        authenticate=authenticate,
        health=HealthChecker(stores, _make_checking(plan), plan.clocks),
        encode=encode,
        ingest=ingest,
        processor=Processor(
            stores=stores,
            executor=AtOnce(WORKERS, plan.wrap, "batch"),
            wall=plan.clocks.wall,
            batched=switches.batched_reads,
            workspace=workspace,
            policy=policy,
        ),
        jobs=_make_jobs(
            plan, Tools(stores, ingest, feed, plan.clocks.wall, workspace, policy.tracker), encode
        ),
        workspace=workspace,
        invalidations=Invalidations(stores.cache, cache),
        phases_ns=phases_ns,
    )


def _make_checking(plan: Plan) -> Executor:
    return AtOnce(STORES, plan.wrap, "health") if plan.switches.parallel_fetch else InTurn()


def _make_cache(
    plan: Plan, tracing: Tracing, stores: Stores, fetch: Fetcher, encode: Encode, local: LocalCache | None
) -> AssetCache:
    switches = plan.switches
    return AssetCache(
        fetch=fetch,
        encode=encode,
        clocks=plan.clocks,
        rng=random.Random(plan.seed),
        l1=local,
        l2=SharedCache(stores.cache, Breaker(plan.clocks.monotonic)) if switches.l2 else None,
        single_flight=SingleFlight() if switches.single_flight else None,
        encoded=switches.cache_encoded,
        tracing=tracing,
    )


def _make_jobs(plan: Plan, tools: Tools, encode: Encode) -> Jobs:
    pools: dict[str, Pool] = {
        name: WorkerPool(name, workers, plan.wrap) if plan.switches.worker_pools else PerItem(name, plan.wrap)
        for name, workers in POOLS.items()
    }
    return Jobs(
        pools, tools, JobRecords(tools.stores.cache, encode, plan.clocks.monotonic), plan.clocks.monotonic
    )


@functools.cache
def feed_of(seed: int) -> Feed:
    """Return the vulnerability feed of a seed, made when first needed."""
    return by_product(make_feed(seed))


def _make_authenticate(plan: Plan) -> Authenticate:
    keys = KeyRing(plan.tokens.read_jwks, plan.clocks.monotonic)
    verifier = Verifier(keys, plan.tokens.issuer, plan.tokens.audience, plan.clocks.wall)
    if not plan.switches.token_cache:
        return verifier.verify
    return TokenCache(verifier, keys, plan.clocks.wall).authenticate


@contextlib.contextmanager
def phase(
    phases_ns: dict[str, int], name: str, clock: Callable[[], int] = time.perf_counter_ns
) -> Iterator[None]:
    """Record the duration of the block; nothing if it raises."""
    began_ns = clock()
    yield
    phases_ns[name] = clock() - began_ns
