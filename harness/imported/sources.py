"""Read results of pytest-benchmark, JMeter, k6 and HdrHistogram.

Each reader returns rows in ns, or raises `UsageError` with the line that it cannot use: half a file is no result. Times of
JMeter and k6 are of all requests, failed ones included, as in their own reports.
"""

import csv
import dataclasses
import io
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from harness.errors import UsageError
from harness.imported.document import ImportedRow
from harness.micro.document import read_benchmarks
from harness.storage import files
from harness.table.histogram import Histogram, least_count

_NS_PER_MS = 1e6
_LARGEST_MS = 1e9
_KNOWN = "pytest-benchmark's JSON, JMeter's .jtl as CSV, k6's CSV, or .hgrm"


@dataclasses.dataclass(frozen=True, slots=True)
class Imported:
    """The content of one file."""

    tool: str
    rows: tuple[ImportedRow, ...]
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_source(path: Path) -> Imported:
    """Return the content of a file of any known tool. Raises `UsageError` for anything else, and for unusable content."""
    try:
        content = files.read_bytes(path)
    except OSError as error:
        raise UsageError(f"It cannot be read: {error.strerror}", where=str(path)) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("It is not a text", where=str(path), remedy=f"Name {_KNOWN}") from error
    try:
        found = _reader(path, text.lstrip())(path, text)
    except (csv.Error, RecursionError) as error:
        raise UsageError(f"It cannot be read: {error}", where=str(path), remedy=f"Name {_KNOWN}") from error
    if not found.rows:
        raise UsageError(
            f"It holds no result of {found.tool}", where=str(path), remedy="Name a file with results"
        )
    return found


def _reader(path: Path, text: str) -> Callable[[Path, str], Imported]:
    columns = set(text.partition("\n")[0].strip().split(","))
    if path.suffix == ".hgrm":
        return _hgrm
    if text.startswith("{"):
        return _pytest_benchmark
    if {"timeStamp", "elapsed", "label"} <= columns:
        return _jmeter
    if {"metric_name", "timestamp", "metric_value"} <= columns:
        return _k6
    if text.startswith("<"):
        remedy = "Let JMeter write CSV: -Jjmeter.save.saveservice.output_format=csv"
        raise UsageError("JMeter's XML is not read", where=str(path), remedy=remedy)
    raise UsageError("Its format is unknown", where=str(path), remedy=f"Name {_KNOWN}")


def _pytest_benchmark(path: Path, text: str) -> Imported:
    rows = tuple(
        ImportedRow(
            name=name, count=one.rounds, min_ns=one.min_ns, mean_ns=one.mean_ns, p50_ns=one.median_ns,
            max_ns=one.max_ns,
        )
        for name, one in read_benchmarks(path).items()
    )  # fmt: skip
    document = json.loads(text)
    machine, commit = _table(document, "machine_info"), _table(document, "commit_info")
    known = {
        "cpu": _table(machine, "cpu").get("brand_raw"), "python": machine.get("python_version"),
        "kernel": machine.get("release"), "commit": commit.get("id"), "measured": document.get("datetime"),
    }  # fmt: skip
    facts = {name: str(value) for name, value in known.items() if value}
    return Imported("pytest-benchmark", rows, facts, ("Counts are rounds, each of one or more calls",))


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


@dataclasses.dataclass(slots=True)
class _Requests:
    """The requests of one name."""

    times_ns: list[int] = dataclasses.field(default_factory=list)
    failed: int = 0

    def row(self, name: str) -> ImportedRow:
        """Return the figures; a percentile with too few requests is left out."""
        found = Histogram.of(np.array(self.times_ns, np.int64))
        return ImportedRow(
            name=name, count=found.count, failed=self.failed, min_ns=found.low, mean_ns=found.mean,
            p50_ns=found.supported_percentile(0.5), p95_ns=found.supported_percentile(0.95),
            p99_ns=found.supported_percentile(0.99), max_ns=found.high,
        )  # fmt: skip


def _jmeter(path: Path, text: str) -> Imported:
    def read(row: Mapping[str, str]) -> tuple[str, str, bool]:
        return row["label"], row["elapsed"], (row.get("success") or "true").lower() != "true"

    return Imported("JMeter", _requests(path, _lines(text), read))


def _k6(path: Path, text: str) -> Imported:
    def read(row: Mapping[str, str]) -> tuple[str, str, bool]:
        name = " ".join(filter(None, (row.get("method"), row.get("name") or row.get("url"))))
        is_failed = row.get("expected_response") == "false" or bool(row.get("error_code"))
        return name or "all", row["metric_value"], is_failed

    lines = ((number, row) for number, row in _lines(text) if row["metric_name"] == "http_req_duration")
    return Imported("k6", _requests(path, lines, read))


def _lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text.lstrip()), restval="")
    for row in reader:
        yield reader.line_num, row


def _requests(
    path: Path,
    lines: Iterable[tuple[int, Mapping[str, str]]],
    read: Callable[[Mapping[str, str]], tuple[str, str, bool]],
) -> tuple[ImportedRow, ...]:
    """Return a row for each name; `read` returns name, time in ms, and whether the request failed."""
    by_name: dict[str, _Requests] = {}
    for number, line in lines:
        name, time_ms, is_failed = read(line)
        requests = by_name.setdefault(name, _Requests())
        requests.times_ns.append(round(_milliseconds(path, number, time_ms) * _NS_PER_MS))
        requests.failed += is_failed
    return tuple(requests.row(name) for name, requests in by_name.items())


def _milliseconds(path: Path, number: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _LARGEST_MS:
        _refuse(path, number, f"'{text[:40]}' is not a time in ms")
    return value


def _refuse(path: Path, number: int, why: str) -> NoReturn:
    raise UsageError(f"Line {number} cannot be used: {why}", where=str(path), remedy="Nothing was imported")


_COUNT = re.compile(r"#\[Max\s*=\s*([\d.]+), Total count\s*=\s*(\d+)\]")
_MEAN = re.compile(r"#\[Mean\s*=\s*([\d.]+),")


def _hgrm(path: Path, text: str) -> Imported:
    """Read a percentile distribution. A percentile is the value of the first line at or above it."""
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if len(words) in {3, 4} and words[0][:1].isdigit():
            steps.append((_share(path, number, words[1]), _milliseconds(path, number, words[0])))
    foot, mean = _COUNT.search(text), _MEAN.search(text)
    if not steps or foot is None or mean is None:
        raise UsageError(
            "It is not a whole percentile distribution", where=str(path), remedy="Name a .hgrm file"
        )
    if any(later < earlier for earlier, later in itertools.pairwise(steps)):
        raise UsageError("Its percentiles do not ascend", where=str(path), remedy="Name a .hgrm file")
    count = int(foot[2])

    def at(share: float) -> float | None:
        if count < least_count(share):
            return None
        return next(value * _NS_PER_MS for reached, value in steps if reached >= share - 1e-12)

    row = ImportedRow(
        name=path.stem, count=count, mean_ns=float(mean[1]) * _NS_PER_MS, p50_ns=at(0.5), p95_ns=at(0.95),
        p99_ns=at(0.99), max_ns=float(foot[1]) * _NS_PER_MS,
    )  # fmt: skip
    return Imported("HdrHistogram", (row,), {}, ("Its values are taken for ms, as usual in .hgrm files",))


def _share(path: Path, number: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        _refuse(path, number, f"'{text[:40]}' is not a percentile from 0 to 1")
    return value
