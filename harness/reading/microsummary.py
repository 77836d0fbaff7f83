"""Turn a run directory of micro-benchmarks into numbers, with their validity.

Everything is computed from the files of the run. A benchmark counts as measured if it passed and is in
pytest-benchmark's file; every other benchmark is listed with the reason.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import InvalidRunError
from harness.micro.document import MEANT, Benchmark, MicroDocument, read_benchmarks, read_document
from harness.policy.thresholds import Level, Reason, Thresholds
from harness.reading.validity import Validity
from harness.run.directory import RunDirectory
from harness.units import format_percent

FEW_ROUNDS = 10
NOISY_IQR_SHARE = 0.10


@dataclasses.dataclass(frozen=True)
class MicroSummary:
    """Data of one run of micro-benchmarks."""

    directory: RunDirectory
    document: MicroDocument
    benchmarks: Mapping[str, Benchmark]
    """Measured benchmarks, in the order of the plan."""
    trouble: tuple[str, ...]
    """Sentences on missing or damaged data."""

    @property
    def label(self) -> str:
        """Label in reports: the variant, or else the name of the suite."""
        return self.document.variant or Path(self.document.suite).name

    @cached_property
    def missing(self) -> Mapping[str, str]:
        """Benchmarks without times and files that cannot be imported, each with the reason."""
        ends = self.document.ends
        never = "interrupted before its end" if self.document.interrupted else "never ended"
        unmeasured = {
            name: f"{ends[name].outcome}: {ends[name].error}" if name in ends else never
            for name in self.document.planned
            if name not in self.benchmarks
        }
        return {
            **unmeasured,
            **{name: f"cannot be imported: {error}" for name, error in self.document.broken.items()},
            **self.document.aside,
        }

    @cached_property
    def failed(self) -> Mapping[str, str]:
        """Entries of `missing` caused by a fault of the suite or the measured code, not by interruptions or skips."""
        ends = self.document.ends
        return {
            name: reason
            for name, reason in self.missing.items()
            if name in self.document.broken or (name in ends and ends[name].outcome not in MEANT)
        }

    @cached_property
    def validity(self) -> Validity:
        """Validity of the numbers. Missing data is never valid."""
        findings = (*_completeness(self), *_machine(self), *_rounds(self))
        return Validity(tuple(finding for finding in findings if finding.level is not Level.VALID))


def load(path: Path) -> MicroSummary:
    """Read a run directory of kind `micro`.

    Raises `InvalidRunError` if `run.json` is missing, damaged or of another kind; anything else that is missing is
    listed in `trouble`.
    """
    directory = RunDirectory(path)
    document = read_document(path)
    trouble = list(document.trouble)
    if document.status == "running":
        trouble.append("The run was cut off: it has no end in run.json")
    found: dict[str, Benchmark] = {}
    try:
        found = read_benchmarks(directory.benchmarks_path)
    except InvalidRunError as error:
        trouble.append(f"The times are missing: {error.what}")
    passed = [name for name in document.planned if _passed(document, name)]
    measured = {name: found[name] for name in passed if name in found}
    if unused := [name for name in passed if name not in found]:
        trouble.append(f"{_named(unused)} ended well but left no times: a test must call `benchmark`")
    return MicroSummary(directory, document, measured, tuple(trouble))


def _passed(document: MicroDocument, name: str) -> bool:
    end = document.ends.get(name)
    return end is not None and end.outcome == "passed"


def _completeness(run: MicroSummary) -> Iterator[Reason]:
    yield from (Reason(Level.INVALID, sentence) for sentence in run.trouble)
    for name, reason in run.failed.items():
        yield Reason(Level.INVALID, f"{name} {reason}")
    if run.document.interrupted:
        yield Reason(
            Level.DEGRADED,
            f"The run was interrupted: {len(run.benchmarks)} of {len(run.document.planned)} benchmarks are measured",
        )
    if not run.benchmarks:
        yield Reason(Level.INVALID, "No benchmark was measured")


def _machine(run: MicroSummary) -> Iterator[Reason]:
    share = run.document.host.descheduled_share
    if share is not None and share > Thresholds().descheduled_share.degraded:
        # The median stays valid: most rounds are far shorter than the time between two such pauses.
        yield Reason(
            Level.DEGRADED,
            f"CPU contention {format_percent(share)} (limit {format_percent(Thresholds().descheduled_share.degraded)}): other "
            "processes delayed the measuring process and made some rounds slower. Use a quieter machine",
        )


def _rounds(run: MicroSummary) -> Iterator[Reason]:
    few = [name for name, benchmark in run.benchmarks.items() if benchmark.rounds < FEW_ROUNDS]
    if few:
        yield Reason(
            Level.DEGRADED,
            f"Fewer than {FEW_ROUNDS} rounds stand behind {_named(few)}: too few for quartiles",
        )


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def is_noisy(benchmark: Benchmark) -> bool:
    """Return true if the interquartile range of the rounds exceeds a tenth of the median."""
    return benchmark.iqr_ns > NOISY_IQR_SHARE * benchmark.median_ns


def as_json(run: MicroSummary) -> dict[str, Any]:
    """Return the object of one run in the JSON of `harness bench --json` (schema 1)."""
    document = run.document
    return {
        "dir": str(run.directory.path),
        "suite": document.suite,
        "variant": document.variant,
        "validity": run.validity.level,
        "reasons": [*run.validity.reasons],
        "interrupted": document.interrupted,
        "planned": len(document.planned),
        "benchmarks": {name: _benchmark_json(benchmark) for name, benchmark in run.benchmarks.items()},
        "missing": dict(run.missing),
    }


def _benchmark_json(benchmark: Benchmark) -> dict[str, Any]:
    return {
        "median_ns": benchmark.median_ns,
        "iqr_ns": benchmark.iqr_ns,
        "min_ns": benchmark.min_ns,
        "q1_ns": benchmark.q1_ns,
        "q3_ns": benchmark.q3_ns,
        "max_ns": benchmark.max_ns,
        "mean_ns": benchmark.mean_ns,
        "rounds": benchmark.rounds,
        "iterations": benchmark.iterations,
        "ops_per_s": benchmark.ops_per_s,
        "per_call": benchmark.per_call,
    }
