"""Provide the servers behind a run: start or find them, seed them, warm them up, and measure their ceilings."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from harness.console.console import Talk
from harness.errors import UsageError
from harness.run.documents import BackendFacts
from harness.supervise import Supervisor
from harness.target.spec import TargetSpec
from harness.units import format_rate


@dataclasses.dataclass(frozen=True, slots=True)
class Data:
    """Data for filling the servers: a size or a file, and the default seed of a target."""

    name: str = "small"
    seed: int = 1

    def __str__(self) -> str:
        return f"{self.name}, seed {self.seed}"


def data_of(spec: TargetSpec) -> Data:
    """Return the data that a target expects, for the servers to hold the same. The seed of the plan is a different one.

    Raises UsageError if the seed is no number.
    """
    usual = Data()
    seed = spec.parameters.get("seed", str(usual.seed))
    try:
        return Data(spec.parameters.get("data", usual.name), int(seed))
    except ValueError as error:
        raise UsageError(
            f"The data's seed '{seed}' is not a number", remedy="Write a number, such as seed=1"
        ) from error


@dataclasses.dataclass(frozen=True, slots=True)
class Backends:
    """The servers as a run needs them: their addresses for the target, and the ceiling of each."""

    kind: str
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ceilings: Mapping[str, BackendFacts] = dataclasses.field(default_factory=dict)
    may_flush: bool = False

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of a target that uses stores."""
        return {"backends": "memory" if self.kind == "memory" else "servers"}

    def forget(self) -> None:
        """Empty the shared cache, so that no run profits from the one before it; only on servers of our own."""
        if self.may_flush:
            import redis

            host, _, port = self.environment["REDIS_ENDPOINT"].rpartition(":")
            password = self.environment.get("REDIS_PASSWORD")
            with redis.Redis(host=host, port=int(port), password=password) as client:
                client.flushdb()

    def facts(
        self, counters: Mapping[str, Mapping[str, int]], measured_s: float, returned: int = 0
    ) -> dict[str, BackendFacts]:
        """Return each ceiling beside the rate in the run; `returned` is the number of its calls that returned."""
        return {
            name: msgspec.structs.replace(
                ceiling,
                achieved_per_s=(returned if ceiling.is_client else _calls(counters, name)) / measured_s
                if measured_s
                else None,
            )
            for name, ceiling in self.ceilings.items()
        }


def _calls(counters: Mapping[str, Mapping[str, int]], backend: str) -> int:
    return sum(counts.get(f"{backend}.calls", 0) for counts in counters.values())


@contextlib.contextmanager
def provide(kind: str, supervisor: Supervisor, folder: Path, talk: Talk, data: Data) -> Iterator[Backends]:
    """Yield the back ends of `kind`: `none`, `memory`, `embedded` or `external`.

    Embedded servers are started side by side with their logs in `folder`, seeded, warmed up and probed; they end
    with the block. External ones are only checked for availability: nothing is written to them.
    """
    if kind != "none":
        require(data)
    if kind in {"none", "memory"}:
        yield Backends(kind)
        return
    from targets.backends.embedded import EmbeddedServers
    from targets.backends.external import ExternalServers

    servers = EmbeddedServers() if kind == "embedded" else ExternalServers()
    with servers:
        talk.say(f"Servers: {kind} …")
        servers.start(supervisor, folder)
        environment = servers.environment()
        if servers.may_seed:
            _seed(environment, data, talk)
        yield Backends(kind, environment, _ceilings(environment, talk), may_flush=servers.may_seed)


def require(data: Data) -> None:
    """Read the data before any server is started for them. Raises UsageError that states the fault in the data."""
    from targets.asset_core.data.opening import open_inventory
    from targets.asset_core.errors import DataError

    try:
        open_inventory(data.name, data.seed)
    except DataError as error:
        raise UsageError(f"The data cannot be used: {error}") from error


def _seed(environment: Mapping[str, str], data: Data, talk: Talk) -> None:
    from targets.asset_core.seeding import seed as seed_stores
    from targets.asset_core.settings import read_stores

    talk.say(f"Data: {data} …")
    with _environment(environment):
        seed_stores(read_stores(environment), data.name, data.seed)


@contextlib.contextmanager
def _environment(extra: Mapping[str, str]) -> Iterator[None]:
    """Set variables temporarily: boto3 finds its credentials nowhere else."""
    before = dict(os.environ)
    os.environ.update(extra)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _ceilings(environment: Mapping[str, str], talk: Talk) -> dict[str, BackendFacts]:
    from targets.backends.ceilings import probe, warm_up_graph

    warm_up_graph(environment)
    found = {
        name: BackendFacts(ceiling_per_s=ceiling.rate_per_s, what=ceiling.what)
        for name, ceiling in probe(environment).items()
    }
    rates = (f"{name} {format_rate(facts.ceiling_per_s)}" for name, facts in found.items())
    talk.say(f"Ceilings: {', '.join(rates)}")
    return found
