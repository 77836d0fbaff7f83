"""Read traces from files: CSV, JSON Lines, recordings of other tools, or the calls of an earlier run.

    time,operation          {"time": 0.0, "operation": "GET /assets/{id}"}
    0.0,GET /assets/{id}    {"time": 0.21, "operation": "GET /health"}
    0.21,GET /health

Times are seconds (from any moment) or ISO 8601; the earliest is time zero, and lines may be in any order. If the trace
names no operations, they are drawn from the scenario or the target by weight. The results of JMeter (`.jtl` as CSV) are such
a CSV; HAR files and access logs are read as `harness.run.recordings` says. A run is replayed with the intended starts
of its measured time.
"""

import csv
import datetime as dt
import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import msgspec
import numpy as np

from harness.clock import NS_PER_S
from harness.errors import HarnessError, UsageError
from harness.plans.trace import Trace
from harness.requests.accesslog import is_access_log
from harness.run import recordings
from harness.run.directory import RunDirectory
from harness.storage import files
from harness.table import calls
from harness.table.aside import is_measured

_EXAMPLE = 'A line is \'time,operation\' in CSV or {"time": 0.5, "operation": "NAME"} in JSON Lines'
_OPERATION = ("operation", "label")
_TIME = ("time", "time_s", "timestamp", "t")
_LONGEST_S = 30 * 86_400.0

Line = tuple[int, float, str]
"""Line number, seconds and operation; the operation is empty if it was not recorded."""


class _Arrival(msgspec.Struct):
    time: float | str
    operation: str = ""


def read_trace(path: Path) -> Trace:
    """Return the trace in a file or run directory.

    Raises `UsageError`, which names the line, for anything that is not a trace.
    """
    if path.is_dir() or path.name == RunDirectory.CALLS:
        return _of_run(path if path.is_dir() else path.parent.parent)
    try:
        content = files.read_bytes(path)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(
            f"The trace cannot be read: {error.strerror}", where=str(path), remedy=_EXAMPLE
        ) from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError("The trace is not UTF-8 text", where=f"{path}:{line}", remedy=_EXAMPLE) from error
    about = f"sha256 {hashlib.sha256(content).hexdigest()[:16]}"
    document = recordings.har_of(text)
    if document is None and not is_access_log(text):
        return _trace(_lines(text, path), path, about)
    read = (
        recordings.logged_arrivals(text, path)
        if document is None
        else recordings.har_arrivals(document, path)
    )
    arrivals, left_out = read
    lines = [(number, _seconds(time, path, number), name) for number, time, name in arrivals]
    return _trace(lines, path, f"{about}, {left_out:,} other entries left out" if left_out else about)


def _lines(text: str, path: Path) -> list[Line]:
    if text.lstrip()[:1] == "<":
        _refuse("this is XML; let JMeter save its results as CSV", path, 1)
    is_json = path.suffix in {".jsonl", ".ndjson", ".json"} or text.lstrip()[:1] == "{"
    return list(_json_lines(text, path) if is_json else _csv_lines(text, path))


def _json_lines(text: str, path: Path) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(_Arrival)
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            arrival = decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            _refuse(f"this is not an arrival: {error}", path, number)
        yield number, _seconds(arrival.time, path, number), arrival.operation


def _csv_lines(text: str, path: Path) -> Iterator[Line]:
    rows = csv.reader(text.splitlines(), strict=True)
    columns: tuple[int, int | None] | None = None
    unit_s = 1.0
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if columns is None:
                columns, is_head = _columns(cells, path, rows.line_num)
                if is_head:
                    # JMeter's times are milliseconds.
                    unit_s = 1e-3 if {"timeStamp", "label"} <= set(cells) else 1.0
                    continue
            number, seconds, operation = _csv_line(cells, columns, path, rows.line_num)
            yield number, seconds * unit_s, operation
    except csv.Error as error:
        _refuse(f"this is not CSV: {error}", path, rows.line_num)


def _columns(cells: list[str], path: Path, number: int) -> tuple[tuple[int, int | None], bool]:
    """Return the columns of time and operation, and True if this first line is a head that names them."""
    names = [cell.lower() for cell in cells]
    time = next((names.index(name) for name in _TIME if name in names), None)
    if time is not None:
        return (time, next((names.index(name) for name in _OPERATION if name in names), None)), True
    if len(cells) > 2:
        _refuse(f"{len(cells)} columns and no head that names 'time' and 'operation'", path, number)
    return (0, 1 if len(cells) == 2 else None), False


def _csv_line(cells: list[str], columns: tuple[int, int | None], path: Path, number: int) -> Line:
    time, operation = columns
    if max(time, operation or 0) >= len(cells):
        _refuse(f"the line has {len(cells)} columns, fewer than the first", path, number)
    return number, _seconds(cells[time], path, number), cells[operation] if operation is not None else ""


def _seconds(value: float | str, path: Path, number: int) -> float:
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = dt.datetime.fromisoformat(str(value))
        except ValueError:
            _refuse(f"'{value}' is not a time", path, number)
        # A time without a zone is read as UTC: only differences count.
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    if not math.isfinite(seconds):
        _refuse(f"'{value}' is not a time", path, number)
    return seconds


def _refuse(why: str, path: Path, number: int) -> NoReturn:
    raise UsageError(f"The trace cannot be read: {why}", where=f"{path}:{number}", remedy=_EXAMPLE)


def _trace(lines: list[Line], path: Path, about: str) -> Trace:
    if not lines:
        raise UsageError("The trace has no arrival", where=str(path), remedy=_EXAMPLE)
    for number, _, operation in lines:
        if bool(operation) is not bool(lines[0][2]):
            _refuse("some lines name an operation and some do not", path, number)
    lines.sort(key=lambda line: line[1])
    start_s, last_s = lines[0][1], lines[-1][1]
    if last_s - start_s > _LONGEST_S:
        _refuse(f"it is {(last_s - start_s) / 86_400:,.0f} days after the first arrival", path, lines[-1][0])
    # One mean gap follows the last arrival, so that count / duration is the rate of the gaps.
    gaps = len(lines) - 1
    duration_s = (last_s - start_s) * len(lines) / gaps if gaps and last_s > start_s else 1.0
    names = tuple(dict.fromkeys(operation for *_, operation in lines if operation))
    place = {name: number for number, name in enumerate(names)}
    return Trace(
        f"{path.name} ({about})",
        np.array([round((seconds - start_s) * NS_PER_S) for _, seconds, _ in lines], np.int64),
        duration_s,
        np.array([place[operation] for *_, operation in lines] if names else [], np.int64),
        names,
    )


def _of_run(folder: Path) -> Trace:
    directory = RunDirectory(folder)
    try:
        document = directory.read()
        table = calls.load(directory.calls_path)
    except HarnessError as error:
        raise UsageError(
            f"This folder holds no run to replay: {error.what}",
            where=error.where,
            remedy="Name a folder that 'harness run' made, or a trace as CSV, JSON Lines, HAR or access log",
        ) from error
    table = table[is_measured(table)]
    table = table[np.argsort(table["intended_ns"], kind="stable")]
    if not len(table):
        raise UsageError("That run has no calls", where=str(folder), remedy="Replay another run")
    numbers, operation = np.unique(table["operation"].astype(np.int64), return_inverse=True)
    known = list(document.plan.operations)
    if numbers[-1] >= len(known):
        raise UsageError("That run is damaged", where=str(folder), remedy="Replay another run")
    # In a closed model the last call may start at the very end.
    last_s = (int(table["intended_ns"][-1]) + 1) / NS_PER_S
    return Trace(
        f"run {folder.name}",
        table["intended_ns"].astype(np.int64),
        max(document.plan.duration_s, last_s),
        operation.astype(np.int64),
        tuple(known[number] for number in numbers),
    )
