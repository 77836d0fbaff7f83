"""What a process makes once and every request uses: stores, caches, keys, executor."""

import contextlib
import dataclasses
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator

from targets.asset_core.buffers import BufferPool
from targets.asset_core.cache.breaker import Breaker
from targets.asset_core.cache.flight import SingleFlight
from targets.asset_core.cache.levels import AssetCache
from targets.asset_core.cache.local import LocalCache
from targets.asset_core.cache.shared import SharedCache
from targets.asset_core.clocks import Clocks
from targets.asset_core.counting import Tally
from targets.asset_core.encoding import Encode, make_encode
from targets.asset_core.errors import CoreError, NotReadyError
from targets.asset_core.executor import AtOnce, Executor, InTurn, Wrap, identity
from targets.asset_core.fetch import Fetcher
from targets.asset_core.health import NEEDED, HealthChecker
from targets.asset_core.profiles import LAMBDA, Profile
from targets.asset_core.scope import Scope
from targets.asset_core.security.bearer import Authenticate, TokenCache
from targets.asset_core.security.jwks import KeyRing
from targets.asset_core.security.tokens import Verifier
from targets.asset_core.settings import TokenSettings
from targets.asset_core.stores.protocols import OpenStores, Stores
from targets.asset_core.switches import OPTIMISED, Switches
from targets.asset_core.tracing import Tracing

LOG = logging.getLogger("asset_core.container")

INITIALISE_LIMIT_S = 10.0
FIRST_BACK_OFF_S = 1.0
LONGEST_BACK_OFF_S = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """All that is needed to make the resources, as often as wanted."""

    tokens: TokenSettings
    open_stores: OpenStores
    profile: Profile = LAMBDA
    switches: Switches = OPTIMISED
    wrap: Wrap = identity
    clocks: Clocks = dataclasses.field(default_factory=Clocks)
    seed: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Resources:
    """Made by `build`, used by every request, ended by `close`."""

    stores: Stores
    executor: Executor
    cache: AssetCache
    local: LocalCache | None
    authenticate: Authenticate
    health: HealthChecker
    encode: Encode
    phases_ns: dict[str, int]

    def close(self) -> None:
        """Give everything back; no store's failure keeps another open."""
        self.health.stop()
        self.executor.close()
        for store in (self.stores.assets, self.stores.graph, self.stores.cache):
            with contextlib.suppress(CoreError):
                store.close()


def build(plan: Plan, tracing: Tracing) -> Resources:
    """Make the resources; connections come later. SettingsError for a bad key set or address."""
    phases_ns: dict[str, int] = {}
    with _phase(phases_ns, "keys"):
        authenticate = _make_authenticate(plan)
    with _phase(phases_ns, "clients"):
        stores = plan.open_stores(plan.profile, pooling=plan.switches.pooling)
    with _phase(phases_ns, "assembly"):
        executor = AtOnce(plan.profile.fetch_workers, plan.wrap) if plan.switches.parallel_fetch else InTurn()
        encode = make_encode(plan.switches, BufferPool())
        local = LocalCache(plan.clocks.monotonic) if plan.switches.l1 else None
        cache = AssetCache(
            fetch=Fetcher(stores, executor, tracing),
            encode=encode,
            clocks=plan.clocks,
            rng=random.Random(plan.seed),
            l1=local,
            l2=SharedCache(stores.cache, Breaker(plan.clocks.monotonic)) if plan.switches.l2 else None,
            single_flight=SingleFlight() if plan.switches.single_flight else None,
            encoded=plan.switches.cache_encoded,
            tracing=tracing,
        )
        health = HealthChecker(stores, executor, plan.clocks)
    return Resources(stores, executor, cache, local, authenticate, health, encode, phases_ns)


def initialise(plan: Plan, tracing: Tracing, tally: Tally) -> Resources:
    """Make the resources and check that the needed stores answer, within 10 s; NotReadyError otherwise."""
    due_s = plan.clocks.monotonic() + INITIALISE_LIMIT_S
    try:
        resources = build(plan, tracing)
    except CoreError as error:
        raise NotReadyError(f"initialisation failed: {error}", remedy="Correct the settings") from error
    try:
        with _phase(resources.phases_ns, "connect"):
            failing = resources.health.check(Scope(due_s, tally, plan.clocks.monotonic))
        _require(failing)
    except BaseException:
        resources.close()
        raise
    return resources


class Container:
    """Holds the resources of a process. A failure is remembered until a back-off has passed, which doubles."""

    def __init__(self, plan: Plan, tally: Tally) -> None:
        self.plan = plan
        self.tracing = Tracing()
        self._tally = tally
        self._lock = threading.Lock()
        self._resources: Resources | None = None
        self._failure: CoreError | None = None
        self._back_off_s = FIRST_BACK_OFF_S
        self._retry_at_s = float("-inf")

    def acquire(self) -> Resources:
        """Return the resources, made on first use, or anew each time without `warm_init`. NotReadyError."""
        if self._resources is not None:
            return self._resources
        if not self.plan.switches.warm_init:
            return initialise(self.plan, self.tracing, self._tally)
        return self._acquire_first()

    def release(self, resources: Resources) -> None:
        """Say that a request is done with what `acquire` gave it."""
        if not self.plan.switches.warm_init:
            resources.close()

    @property
    def resources(self) -> Resources | None:
        """The resources, if they have been made."""
        return self._resources

    def close(self) -> None:
        """Give everything back."""
        with self._lock:
            resources, self._resources = self._resources, None
        if resources is not None:
            resources.close()

    def _acquire_first(self) -> Resources:
        if not self._lock.acquire(timeout=INITIALISE_LIMIT_S):
            raise NotReadyError("initialisation takes too long", remedy="Try again later")
        try:
            if self._resources is None:
                self._resources = self._try()
            return self._resources
        finally:
            self._lock.release()

    def _try(self) -> Resources:
        if self._failure is not None and self.plan.clocks.monotonic() < self._retry_at_s:
            raise NotReadyError(
                f"initialisation failed before: {self._failure.what}", remedy="Try again later"
            )
        try:
            resources = initialise(self.plan, self.tracing, self._tally)
        except CoreError as error:
            self._failure = error
            self._retry_at_s = self.plan.clocks.monotonic() + self._back_off_s
            LOG.error("%s; next try in %g s", error, self._back_off_s)  # noqa: TRY400 (the cause is in the sentence)
            self._back_off_s = min(self._back_off_s * 2, LONGEST_BACK_OFF_S)
            raise
        self._failure, self._back_off_s = None, FIRST_BACK_OFF_S
        return resources


def _make_authenticate(plan: Plan) -> Authenticate:
    keys = KeyRing(plan.tokens.read_jwks, plan.clocks.monotonic)
    verifier = Verifier(keys, plan.tokens.issuer, plan.tokens.audience, plan.clocks.wall)
    if not plan.switches.token_cache:
        return verifier.verify
    return TokenCache(verifier, keys, plan.clocks.wall).authenticate


def _require(failing: dict[str, str]) -> None:
    needed = {name: error for name, error in failing.items() if name in NEEDED}
    if needed:
        sentence = ", ".join(f"{name} ({error})" for name, error in sorted(needed.items()))
        raise NotReadyError(f"initialisation failed: no answer from {sentence}", remedy="Start the stores")


@contextlib.contextmanager
def _phase(
    phases_ns: dict[str, int], name: str, clock: Callable[[], int] = time.perf_counter_ns
) -> Iterator[None]:
    began_ns = clock()
    yield
    phases_ns[name] = clock() - began_ns
