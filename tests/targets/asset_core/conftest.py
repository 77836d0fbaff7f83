import dataclasses
import json
import os
import random

import pytest

from targets.asset_core.clocks import Clocks
from targets.asset_core.core import Core
from targets.asset_core.data.generator import Inventory
from targets.asset_core.issuing import Issuer
from targets.asset_core.plan import Plan
from targets.asset_core.profiles import LAMBDA
from targets.asset_core.seeding import seed
from targets.asset_core.settings import read_stores
from targets.asset_core.stores.memory import World
from targets.asset_core.stores.servers import ServerStores
from targets.asset_core.switches import OPTIMISED
from targets.core_events import proxy_event
from targets.core_target import create
from tests.support.core import due_in, sending


class TurnedClock:
    """Both clocks of the core, moved by hand."""

    def __init__(self, now_s=1_750_000_000.0):
        self.now_s = now_s
        self.clocks = Clocks(monotonic=self.read, wall=self.read)

    def read(self):
        return self.now_s

    def advance(self, seconds):
        self.now_s += seconds


@dataclasses.dataclass
class Hosted:
    """A core over memory, with everything a test wants to look at or break."""

    core: Core
    world: World
    inventory: Inventory
    issuer: Issuer
    lines: list
    opened: list

    def token(self, tenant="tenant-01", user="ada", role="viewer", use="id"):
        return self.issuer.token(tenant, user, role=role, use=use)

    def get(self, path, token=None, context=None, **headers):
        headers = {"Authorization": f"Bearer {self.token() if token is None else token}", **headers}
        return self.core.handler(proxy_event("GET", path, headers), context)

    def post(self, path, body, role="admin", tenant="tenant-01", context=None, **headers):
        """Send a body: text as it is, anything else as JSON."""
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.token(tenant, role=role)}", **headers}
        return self.core.handler(proxy_event("POST", path, headers, text), context)

    def counted(self, operation="GET /assets/{id}"):
        return self.core.counters()[operation]

    @property
    def stores(self):
        return self.opened[-1]

    @property
    def resources(self):
        return self.core._container.resources


@pytest.fixture(scope="session")
def issuer():
    return Issuer()


@pytest.fixture(scope="session")
def inventory():
    return Inventory("small", 1)


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
def scope():
    """The scope of a request that has a minute: with real servers, what hangs must end."""
    return due_in(60)


@pytest.fixture
def rng():
    return random.Random(1)


@pytest.fixture
def host(issuer, inventory):
    """A function that hosts a core: `host(switches=…, profile=…, clocks=…, latency_s=…, wrap=…, world=…)`."""
    cores = []

    def make(*, latency_s=0.0, switches=OPTIMISED, profile=LAMBDA, opens=True, world=None, **plan):
        world, opened, lines = world or World(inventory, latency_s), [], []

        def open_stores(profile, *, pooling):
            opened.append(world(profile, pooling=pooling))
            return opened[-1]

        made = Plan(
            tokens=issuer.settings, open_stores=open_stores, profile=profile, switches=switches, **plan
        )
        core = Core(made, lines.append)
        cores.append(core)
        if opens:
            core.open()
        return Hosted(core, world, inventory, issuer, lines, opened)

    yield make
    for core in cores:
        core.close()


@pytest.fixture(scope="module")
def settings(empty_servers):
    """How to reach the servers, which hold nothing when a file of tests begins."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in empty_servers.environment().items():
            patch.setenv(name, value)
        yield read_stores(os.environ)


@pytest.fixture(scope="module")
def seeded(settings):
    """What was put into the servers: the small inventory, once for a file of tests."""
    return seed(settings, "small", 1)


@pytest.fixture
def stores(settings, seeded):
    made = ServerStores(settings)(LAMBDA, pooling=True)
    yield made
    for store in (made.assets, made.graph, made.cache):
        store.close()


@pytest.fixture
def admin(settings, seeded):
    """A function that sends a request with a body to a core on the servers and returns (status, document)."""
    yield from sending(create(backends="servers"))


@pytest.fixture
def memory_admin():
    """The same in front of a core over memory."""
    yield from sending(create(latency_ms="0"))
