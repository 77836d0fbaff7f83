"""The asset core as a target of the harness.

Parameters, all strings: `variant` (baseline or optimised), `switches` (changes such as `l1:off,l2:on`), `backends`
(memory or servers), `data` (small, medium or large, or a file: `inventory.jsonl`, `inventory.csv`), `seed`,
`profile` (lambda or server), `latency_ms` (median of the memory databases; Redis takes a fortieth),
`zipf` (exponent of popularity), `work` (kind of its operations: requests,
cold-start, cache-stampede or tenant-skew) and `clock` (system, or stopped for exact
counting: nothing expires and no interval passes, so that equal requests do equal work). With `backends=servers` the
addresses come from the environment variables of `targets.asset_core.settings`.
"""

import json
import os
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from targets.asset_core.clocks import Clocks
from targets.asset_core.data.opening import open_inventory
from targets.asset_core.data.popularity import Zipf
from targets.asset_core.errors import SettingsError
from targets.asset_core.executor import identity
from targets.asset_core.issuing import Issuer
from targets.asset_core.plan import Plan
from targets.asset_core.settings import find_profile, read_stores
from targets.asset_core.stores.protocols import OpenStores
from targets.asset_core.switches import parse_switches
from targets.core_events import Events, proxy_event
from targets.core_works.cold import ColdStart
from targets.core_works.requests import OPERATIONS, Requests
from targets.core_works.skew import TenantSkew
from targets.core_works.stampede import CacheStampede
from targets.core_works.work import Deed, Work

if TYPE_CHECKING:
    from targets.asset_core.core import Core

__all__ = ["OPERATIONS", "CoreTarget", "create", "proxy_event"]

Number = TypeVar("Number", int, float)
Chosen = TypeVar("Chosen")

DEFAULTS = {
    "variant": "optimised",
    "switches": "",
    "backends": "memory",
    "data": "small",
    "seed": "1",
    "profile": "server",
    "latency_ms": "2",
    "zipf": "1.1",
    "clock": "system",
    "work": "requests",
}
CLOCKS = {"system": Clocks, "stopped": Clocks.stopped}
WORKS: Mapping[str, Callable[[Events], Work]] = {
    "requests": Requests,
    "cold-start": ColdStart,
    "cache-stampede": CacheStampede,
    "tenant-skew": TenantSkew,
}


class CoreTarget:
    """Host one core, with its own events and tokens."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = {**DEFAULTS, **parameters}
        self._seed = _number(self._parameters, "seed", int)
        self._inventory = open_inventory(self._parameters["data"], self._seed)
        zipf = Zipf(len(self._inventory), _number(self._parameters, "zipf", float), self._seed)
        self._issuer = Issuer()
        self._events = Events(self._inventory, zipf, self._issuer)
        self._work = _choice(self._parameters, "work", WORKS)(self._events)
        self.operations: Mapping[str, float] = self._work.operations
        self._switches = parse_switches(self._parameters["variant"], self._parameters["switches"])
        self._profile = find_profile(self._parameters["profile"])
        self._latency_s = _number(self._parameters, "latency_ms", float) / 1000.0
        self._make_clocks = _choice(self._parameters, "clock", CLOCKS)
        self._wrap: Callable[[Callable[..., Any]], Callable[..., Any]] = identity
        self._core: Core | None = None

    def instrument(self, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Apply `wrap` to every function that the core hands to another greenlet or thread; before `open`."""
        self._wrap = wrap

    def open(self) -> None:
        """Make the stores, the core, and one token for each user."""
        # Tokens first: a clock that is stopped here must not stop before they are valid.
        self._events.sign_tokens()
        self._core = self._work.open(self._plan())
        if self._core is not None:
            self._core.open()

    def call(self, event: Any) -> Any:
        """Return the proxy response to a proxy event, or to a deed."""
        if isinstance(event, Deed):
            return event.do()
        if self._core is None:
            raise SettingsError("the target is not open", where="core_target", remedy="Call open() first")
        return self._core.handler(event)

    def outcome(self, result: Any) -> str:
        """Return `timed_out` for 504, `failed` for any other 5xx, `completed` for the rest: a planned 404 is a response."""
        status = result["statusCode"]
        if status == 504:
            return "timed_out"
        return "failed" if status >= 500 else "completed"

    def failure(self, result: Any) -> str:
        """Return the status and the code of a failed response, with the unavailable store."""
        error = json.loads(result["body"])["error"]
        store = f": {error['store']}" if "store" in error else ""
        return f"{result['statusCode']} {error['code']}{store}"

    def make_event(self, operation: str, rng: random.Random) -> Any:
        """Return an event. The same seed requests the same assets by the same users; key and times are of today."""
        return self._work.make(operation, rng)

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Return totals since the start, by operation."""
        return self._core.counters() if self._core is not None else {}

    def record_sites(self, *, on: bool) -> None:
        """Record, from now on, which function of the core calls its stores; call it once the target is open."""
        if self._core is not None:
            self._core.record_sites(on=on)

    def sites(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """Return totals since recording began, by operation, counter and function."""
        return self._core.sites() if self._core is not None else {}

    def close(self) -> None:
        """Close all resources."""
        self._work.close()
        core, self._core = self._core, None
        if core is not None:
            core.close()

    def _plan(self) -> Plan:
        return Plan(
            tokens=self._issuer.settings,
            open_stores=self._open_stores(),
            profile=self._profile,
            switches=self._switches,
            wrap=self._wrap,
            clocks=self._make_clocks(),
            seed=self._seed,
        )

    def _open_stores(self) -> OpenStores:
        backends = self._parameters["backends"]
        if backends == "memory":
            from targets.asset_core.stores.memory import World

            return World(self._inventory, self._latency_s, self._seed)
        if backends == "servers":
            from targets.asset_core.stores.servers import ServerStores

            return ServerStores(read_stores(os.environ))
        raise SettingsError(f"there are no {backends!r}", where="backends", remedy="Use memory or servers")


def create(**parameters: str) -> CoreTarget:
    """Return the target; raises SettingsError, SwitchError or DataError, which name the unusable parameter."""
    unknown = sorted(parameters.keys() - DEFAULTS.keys())
    if unknown:
        raise SettingsError(
            f"there is no parameter {unknown[0]!r}",
            where="core_target",
            remedy=f"Known: {', '.join(DEFAULTS)}",
        )
    return CoreTarget(parameters)


def _choice(parameters: Mapping[str, str], name: str, choices: Mapping[str, Chosen]) -> Chosen:
    if parameters[name] not in choices:
        raise SettingsError(
            f"there is no {name} {parameters[name]!r}", where=name, remedy=f"Use {' or '.join(choices)}"
        )
    return choices[parameters[name]]


def _number(parameters: Mapping[str, str], name: str, kind: type[Number]) -> Number:
    try:
        return kind(parameters[name])
    except ValueError as error:
        raise SettingsError(
            f"{parameters[name]!r} is not a number", where=name, remedy="Write for example " + DEFAULTS[name]
        ) from error
