"""The request for a comparison: both sides, the suites to measure, and the plan of the load suite."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.instructions import valgrind
from harness.model import Executor, Scenario
from harness.policy.build import Build
from harness.policy.policy import Policy
from harness.processes.loadrun import LoadPlan
from harness.session.receipt import Shard, Side
from harness.session.sides.subjects import Subject, TreeSide
from harness.work.servers import Data, require
from harness.work.sides import Driven, load_scenario, served_data

SUITES = ("exact", "instructions", "micro", "load")
"""All suites, in the order of measuring: those without statistics come first."""
CHOICES = {
    "micro": ("exact", "micro"),
    "load": ("exact", "load"),
    "exact": ("exact",),
    "instructions": ("instructions",),
    "all": ("exact", "micro", "load"),
}
"""The suites that each word selects. `all` leaves out the one that needs a tool which is not installed everywhere."""
SEGMENT_WARMUP_S = 1.5
LOCUST_USERS = 10
LOAD_SHARE = 0.5
"""Share of the budget for load, where both micro-benchmarks and load are measured."""


@dataclasses.dataclass(frozen=True, slots=True)
class LocustUsers:
    """A locustfile and the number of its users, in place of a scenario."""

    file: Path
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class LoadOptions:
    """Options of the load suite: each segment is one run of this plan."""

    scenario: Scenario
    duration_s: float
    warmup_s: float
    backends: str
    data: Data
    rate_per_s: float | None = None
    locustfile: Path | None = None

    def plan(self, seed: int) -> LoadPlan:
        """Return the plan of each segment."""
        scenario = self.scenario
        return LoadPlan(
            scenario=scenario,
            rate_per_s=self.rate_per_s or scenario.rate_per_s or 1.0,
            users=scenario.users,
            duration_s=self.duration_s,
            warmup_s=self.warmup_s,
            seed=seed,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class ComparisonRequest:
    """The checked request of the user. `driven` is the target of the exact and load suites."""

    base: Subject
    candidate: Subject
    policy: Policy
    suites: tuple[str, ...]
    seed: int
    out: Path
    command: str
    name: str
    budget_s: float | None = None
    driven: Mapping[Side, Driven] | None = None
    load: LoadOptions | None = None
    select: tuple[str, ...] = ()
    """Words that choose the benchmarks and the counted operations; without any, all of them."""
    build: Build | None = None
    """The command that builds each side of code; None where they are measured as they are."""
    shard: Shard | None = None
    """The share of the micro-benchmarks to measure; None for all of them."""

    @property
    def is_served(self) -> bool:
        """True if the target is a server."""
        return self.driven is not None and any(one.is_remote for one in self.driven.values())

    @property
    def has_benchmarks(self) -> bool:
        """True if a suite measures the project's micro-benchmarks."""
        return not {"micro", "instructions"}.isdisjoint(self.suites)

    def share_of(self, suite: str) -> float:
        """Return the share of the budget for one suite."""
        if not {"micro", "load"} <= set(self.suites):
            return 1.0
        return LOAD_SHARE if suite == "load" else 1 - LOAD_SHARE


def shard_of(request: ComparisonRequest, shard: Shard | None) -> ComparisonRequest:
    """Return the request for one shard. The first one has also what cannot be divided: the target's counts, and its load.

    Raises `UsageError` where there are no micro-benchmarks to divide, or only a selection of them.
    """
    if shard is None:
        return request
    if "micro" not in request.suites:
        raise UsageError(
            f"--shard divides micro-benchmarks, and this session measures {' and '.join(request.suites)} alone",
            remedy="Add --suite micro, or remove --shard",
        )
    if request.select:
        raise UsageError(
            f"--shard divides the whole suite, and '{request.select[0]}' selects a part of it",
            remedy="Remove SELECT, or --shard",
        )
    if shard.number == 1:
        return dataclasses.replace(request, shard=shard)
    suites = tuple(suite for suite in request.suites if suite != "load")
    return dataclasses.replace(request, shard=shard, suites=suites, driven=None, load=None)


def suites_of(
    named: str | None, policy: Policy, *, has_target: bool, is_served: bool = False
) -> tuple[str, ...]:
    """Return the suites to measure: those of the word `named`, or the policy's.

    Nothing is counted in a server's process: with one, exact counts are of micro-benchmarks alone. Raises `UsageError` for
    exact counts with neither a target to drive nor micro-benchmarks to trace, and for instructions where they cannot be
    counted.
    """
    wanted: tuple[str, ...] = CHOICES[named] if named else policy.suites
    if is_served and not {"micro", "instructions"}.intersection(wanted):
        wanted = tuple(suite for suite in wanted if suite != "exact")
        if not wanted:
            raise UsageError(
                "Calls and allocations are not counted in a server's process", remedy="Give --suite load"
            )
    if wanted == ("exact",) and not has_target:
        raise UsageError(
            "The exact suite alone needs a target to drive",
            remedy='Name it in pyproject.toml: [tool.harness] target = "package.module:factory"',
        )
    if "instructions" in wanted:
        valgrind.require()
    return tuple(suite for suite in SUITES if suite in wanted)


def of_servers(suites: tuple[str, ...], named: str | None) -> tuple[str, ...]:
    """Return the suites that can compare two servers whose code is the same tree. Raises `UsageError` if none was named."""
    found = tuple(suite for suite in suites if suite == "load")
    if not found:
        raise UsageError(
            f"Two servers have no benchmarks to compare{f' in --suite {named}' if named else ''}",
            remedy="Give --suite load",
        )
    return found


def refuse_same_server(driven: Mapping[Side, Driven] | None, candidate: Subject) -> None:
    """Raise `UsageError` for two states of the code whose load would be that of one server, which runs already."""
    if driven is not None and isinstance(candidate, TreeSide) and driven[Side.CANDIDATE].has_url:
        raise UsageError(
            f"Both sides would call the same server, {driven[Side.CANDIDATE].spec.shown}",
            remedy="Name two servers, target:http://… target:http://…, or let the harness start one of each side: --serve NAME",
        )


def load_options(
    driven: Mapping[Side, Driven] | None,
    policy: Policy,
    backends: str,
    *,
    scenario: str | None,
    segment_s: float,
    rate_per_s: float | None,
    locust: LocustUsers | None = None,
) -> LoadOptions:
    """Return the options for loading both sides, with `backends` where a side needs any.

    Raises `UsageError` without a target, and for unusable data.
    """
    if driven is None:
        raise UsageError(
            "The load suite needs a target to load",
            remedy='Name it in pyproject.toml: [tool.harness] target = "package.module:factory"',
        )
    needs_servers = any(one.entry.needs_servers for one in driven.values())
    backends = backends if needs_servers else "none"
    data = Data() if backends in {"none", "memory"} else served_data(driven)
    if backends != "none":
        require(data)
    return LoadOptions(
        scenario=_of_locustfile(locust, driven) if locust else load_scenario(scenario, policy, driven),
        duration_s=segment_s,
        warmup_s=SEGMENT_WARMUP_S,
        backends=backends,
        data=data,
        rate_per_s=rate_per_s,
        locustfile=locust.file if locust else None,
    )


def _of_locustfile(locust: LocustUsers, driven: Mapping[Side, Driven]) -> Scenario:
    """Return the scenario of a locustfile's users. Raises `UsageError` without the file, or without servers to call."""
    if not locust.file.is_file():
        raise UsageError(f"There is no locustfile '{locust.file}'", remedy="Name a file with Locust's users")
    if not all(one.server for one in driven.values()):
        raise UsageError(
            "The users of a locustfile call a server, and the target is none that the harness starts",
            remedy="Add --serve NAME, of [tool.harness.servers.NAME]",
        )
    return Scenario(
        locust.file.stem, "the users of a locustfile", executor=Executor.CLOSED, users=locust.count
    )
