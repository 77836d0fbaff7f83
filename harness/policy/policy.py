"""The policy of a project, from `[tool.harness]` in its `pyproject.toml`."""

import datetime as dt
import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated

import msgspec

from harness.policy.thresholds import Threshold, Thresholds

Percent = Annotated[float, msgspec.Meta(gt=0, le=1000)]
Words = Annotated[str, msgspec.Meta(min_length=1)]


EXACT_MARGINS_PERCENT = {"allocations": 1.0, "peak_bytes": 1.0, "instructions": 0.3}
"""Margins of counts with small day-to-day variation. Other counts are data of the requests: they have `allow` alone."""
METRIC_MARGINS_PERCENT = EXACT_MARGINS_PERCENT | {
    "cpu_mean": 5.0,
    "wall_mean": 10.0,
    "first_call": 20.0,
    "first_call_cpu": 20.0,
    "cold_start": 10.0,
    "cold_start_cpu": 10.0,
    "idle_cpu": 2.0,
    "p50": 5.0,
    "p95": 10.0,
    "p99": 20.0,
    "errors": 0.5,
}
"""Default margins of metrics noisier than a benchmark's wall time. Those of `errors` and `idle_cpu` are in percentage points.

`wall` and `cpu_mean` decide on benchmarks. The other metrics of the micro suite are watched: they never make a session
longer, and count only where fresh blocks confirm a change, or where they are cleared by the way.
"""


class BenchmarkRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A rule for the benchmarks or operations whose name fits the glob `match`.

    Of the rules that fit, the last one that sets a value counts for that value.

    `metric` is a glob too. `margin_percent` is for paired metrics, allocations, peak bytes and instructions; `allow` is the increase
    per request that an exact metric may have; `skip` leaves the benchmark out of gates and gives the reason.
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
    """A regression that the project accepts on purpose, for a reason, until a day."""

    match: Words
    reason: Words
    expires: dt.date
    metric: Words = "*"


Share = Annotated[float, msgspec.Meta(ge=0, le=100)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=1e6)]


class ValidityRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """`[tool.harness.validity]`: the limits above which runs of `harness run` and `capacity` are degraded or invalid.

    A pair is (degraded above, invalid above). Both `lag_percent` (of the median response) and `lag_ms` must be exceeded.
    """

    lag_percent: tuple[Amount, Amount] = (10, 50)
    lag_ms: tuple[Amount, Amount] = (0.5, 2)
    descheduled_percent: tuple[Share, Share] = (2, 15)
    late_percent: tuple[Share, Share] = (0.1, 1)
    backend_percent: Amount = 85
    warmup_percent: Share = 10
    clock_step_ms: Amount = 10

    def thresholds(self) -> Thresholds:
        """Return the limits in base units. Raises `ValueError` where a pair is in the wrong order."""
        return Thresholds(
            lag_share=_limit(self.lag_percent, 1e-2),
            lag_ns=_limit(self.lag_ms, 1e6),
            descheduled_share=_limit(self.descheduled_percent, 1e-2),
            late_share=_limit(self.late_percent, 1e-2),
            backend_share=self.backend_percent / 100,
            warmup_share=self.warmup_percent / 100,
            clock_step_s=self.clock_step_ms / 1000,
        )


def _limit(pair: tuple[float, float], unit: float) -> Threshold:
    return Threshold(*(value * unit for value in pair))


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The whole `[tool.harness]` table. Paths are relative to the folder of `pyproject.toml`."""

    source_roots: tuple[Words, ...] = ()
    """Packages and modules that come from each side's tree; empty: found in the usual folders."""
    suite: str | tuple[Words, ...] | None = None
    """Folder or file of the micro-benchmarks, a glob of files, or a list of them; None: found in the usual places."""
    plugins: tuple[str, ...] = ()
    """pytest plugins to load for the benchmarks, beside those that load themselves."""
    target: str | None = None
    """Target of the load and exact suites, as a SPEC."""
    scenario: str | None = None
    lock: str | None = None
    """Lock file; where the sides' files differ, each side gets its own environment."""
    card: str | None = None
    """Calibration card stored in the project, or a folder with one for each machine; reports show the card of the
    current machine."""
    suites: tuple[Words, ...] = ("micro", "exact")
    """Suites of `gate`: micro, exact, load, instructions."""
    base: str = "main"
    """Default revision for `gate` to compare with."""
    budget: str | None = None
    blocks: Annotated[int, msgspec.Meta(ge=5, le=1000)] | None = None
    """Number of blocks of the screen, and of the confirmation, judged by the signed-rank test. Without it a session goes
    on until its evidence decides, which takes about half as many blocks."""
    strict: bool = False
    margin_percent: Percent = 2.5
    alpha_percent: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0
    benchmarks: tuple[BenchmarkRule, ...] = ()
    limits: tuple[Limit, ...] = ()
    accepted: tuple[Acceptance, ...] = ()

    @property
    def named_suite(self) -> tuple[str, ...]:
        """The places of `suite`, none where it is not set."""
        return (self.suite,) if isinstance(self.suite, str) else self.suite or ()

    def margin(self, benchmark: str, metric: str) -> float:
        """Return the smallest relevant change, as a share: 0.025 for 2.5 %."""
        by_metric = METRIC_MARGINS_PERCENT.get(metric, self.margin_percent)
        set_by_rules = (rule.margin_percent for rule in self._rules(benchmark, metric))
        return next((percent for percent in set_by_rules if percent is not None), by_metric) / 100

    def allowed(self, benchmark: str, metric: str) -> float:
        """Return the accepted growth of an exact metric, per request."""
        set_by_rules = (rule.allow for rule in self._rules(benchmark, metric))
        return next((allow for allow in set_by_rules if allow is not None), 0.0)

    def skipped(self, benchmark: str, metric: str = "*") -> str | None:
        """Return the reason for skipping the benchmark in gates; None if it is not skipped. Without a metric: all metrics."""
        return next((rule.skip for rule in self._rules(benchmark, metric) if rule.skip is not None), None)

    def acceptance(self, benchmark: str, metric: str, day: dt.date) -> str | None:
        """Return the reason for accepting a regression on `day`; None if it is not accepted. The day of expiry is the last."""
        fitting = (
            acceptance.reason
            for acceptance in self.accepted
            if fits(acceptance.match, benchmark)
            and fits(acceptance.metric, metric)
            and day <= acceptance.expires
        )
        return next(fitting, None)

    def _rules(self, benchmark: str, metric: str) -> Iterator[BenchmarkRule]:
        """Yield the matching rules, the last first."""
        fitting = (rule for rule in reversed(self.benchmarks) if fits(rule.match, benchmark))
        return (rule for rule in fitting if fits(rule.metric, metric))


def fits(glob: str, name: str) -> bool:
    """Return True if `name` matches `glob`, where `*` is any text and `?` any character; brackets are literal.

    Names of benchmarks contain brackets (`test_sort[100]`), so brackets cannot mean a choice of characters.
    """
    return _compiled(glob).fullmatch(name) is not None


@cache
def _compiled(glob: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(character) or re.escape(character) for character in glob), re.DOTALL)
