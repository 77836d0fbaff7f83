"""The document of a run of micro-benchmarks beside pytest-benchmark's own file, and the reader of both."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from harness.clock import NS_PER_S
from harness.run.directory import RunDirectory, decode
from harness.run.documents import HostFacts
from harness.storage.folder import SCHEMA

KIND = "micro"
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e10)]
Outcome = Literal["passed", "failed", "skipped", "xfailed"]
MEANT = frozenset({"skipped", "xfailed"})
"""Outcomes without times that the suite intends: no fault."""


class End(msgspec.Struct, frozen=True):
    """The outcome of a benchmark; `error` is the last line of the error, or the reason of a skip."""

    outcome: Outcome
    error: str = ""


class MicroDocument(msgspec.Struct, kw_only=True):
    """`run.json` of a run of micro-benchmarks, without the times. Names are pytest's, relative to the suite."""

    schema: int = SCHEMA
    status: str = "running"
    kind: str = KIND
    suite: str
    variant: str
    started_at: str
    command: str
    environment: dict[str, Any]
    planned: list[str]
    ends: dict[str, End] = {}
    broken: dict[str, str] = {}
    """Files of the suite that could not be imported, with the reason."""
    aside: dict[str, str] = {}
    """Files without a benchmark that are no error, with the reason: skipped as a whole, or with other tests."""
    interrupted: bool = False
    trouble: list[str] = []
    host: HostFacts = HostFacts()
    seconds: float = 0.0


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """The times of one benchmark in ns per call, over its rounds of `iterations` calls each."""

    name: str
    min_ns: float
    q1_ns: float
    median_ns: float
    q3_ns: float
    max_ns: float
    mean_ns: float
    stddev_ns: float
    rounds: int
    iterations: int
    per_call: int = 1
    """Number of measured items in one call."""

    @property
    def iqr_ns(self) -> float:
        """The interquartile range, in ns."""
        return self.q3_ns - self.q1_ns

    @property
    def ops_per_s(self) -> float:
        """Calls per second at the median. pytest-benchmark's own figure uses the mean, which a busy machine halves."""
        return NS_PER_S / self.median_ns if self.median_ns else 0.0


class _Stats(msgspec.Struct, frozen=True):
    min: Seconds
    q1: Seconds
    median: Seconds
    q3: Seconds
    max: Seconds
    mean: Seconds
    stddev: Seconds
    rounds: Annotated[int, msgspec.Meta(ge=1)]
    iterations: Annotated[int, msgspec.Meta(ge=1)]


class _Entry(msgspec.Struct, frozen=True):
    fullname: str
    stats: _Stats
    extra_info: Any = None


class _File(msgspec.Struct, frozen=True):
    benchmarks: list[_Entry]


def read_document(path: Path) -> MicroDocument:
    """Return `run.json` of a run directory of kind `micro`. Raises `InvalidRunError` like `RunDirectory.read`."""
    return RunDirectory(path).read_as(KIND, MicroDocument)


def read_benchmarks(path: Path) -> dict[str, Benchmark]:
    """Return the benchmarks of a pytest-benchmark file by name. Raises `InvalidRunError` if it is damaged."""
    return {entry.fullname: _benchmark(entry) for entry in decode(path, _File).benchmarks}


def _benchmark(entry: _Entry) -> Benchmark:
    stats, info = entry.stats, entry.extra_info
    per_call = info.get("per_call") if isinstance(info, dict) else None
    return Benchmark(
        name=entry.fullname,
        min_ns=stats.min * NS_PER_S,
        q1_ns=stats.q1 * NS_PER_S,
        median_ns=stats.median * NS_PER_S,
        q3_ns=stats.q3 * NS_PER_S,
        max_ns=stats.max * NS_PER_S,
        mean_ns=stats.mean * NS_PER_S,
        stddev_ns=stats.stddev * NS_PER_S,
        rounds=stats.rounds,
        iterations=stats.iterations,
        per_call=per_call if isinstance(per_call, int) and per_call > 0 else 1,
    )
