"""The policy: what a project allows, from `[tool.harness]` in its `pyproject.toml`."""

import datetime as dt
from typing import Annotated

import msgspec

Percent = Annotated[float, msgspec.Meta(gt=0, le=1000)]
Words = Annotated[str, msgspec.Meta(min_length=1)]


class BenchmarkRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for the benchmarks or operations whose name fits the glob `match`; the last that fits counts.

    `metric` is a glob too. `margin_percent` is for paired metrics; `allow` is how many more per request an exact
    metric may grow by; `skip` leaves the benchmark out of gates, with the reason.
    """

    match: Words
    metric: Words = "*"
    margin_percent: Percent | None = None
    allow: Annotated[float, msgspec.Meta(ge=0)] | None = None
    skip: str | None = None


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An absolute limit (SLO) such as `p99<25ms,errors<0.1%` on the candidate under load."""

    slo: Words
    operation: Words = "*"
    stage: str | None = None
    scenario: str | None = None


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A regression that the project takes on purpose, for a reason, until a day."""

    match: Words
    reason: Words
    expires: dt.date
    metric: Words = "*"


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """All of `[tool.harness]`. Paths are relative to the folder of `pyproject.toml`."""

    source_roots: tuple[Words, ...] = ()
    """Packages and modules that come from each side's tree; empty: found in the usual places."""
    suite: str | None = None
    """The folder or file of the micro-benchmarks."""
    plugins: tuple[str, ...] = ()
    """pytest plugins that the benchmarks need; no other is loaded."""
    target: str | None = None
    """The target of the load and exact suites, as a SPEC."""
    scenario: str | None = None
    lock: str | None = None
    """The lock file; where the sides' differ, each gets an environment of its own."""
    suites: tuple[Words, ...] = ("micro", "exact")
    """What `gate` runs: micro, exact, load."""
    base: str = "main"
    """The revision that `gate` compares with, unless told otherwise."""
    budget: str | None = None
    strict: bool = False
    margin_percent: Percent = 2.5
    alpha_percent: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0
    benchmarks: tuple[BenchmarkRule, ...] = ()
    limits: tuple[Limit, ...] = ()
    accepted: tuple[Acceptance, ...] = ()
