"""Read arrivals from what other tools record: a HAR file, an access log in combined format.

Their operations are named as those of requests: `METHOD /path` with ids folded to `{id}`.
"""

import collections
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.requests.accesslog import logged_requests, no_line_of_a_log
from harness.requests.har import recorded_arrivals

Arrival = tuple[int, float | str, str]
"""Number of the line or entry, time (seconds, or ISO 8601) and operation."""

_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def har_of(text: str) -> Any:
    """Return the document of a HAR file; None for any other text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return document if isinstance(document, dict) and "log" in document else None


def har_arrivals(document: Any, path: Path) -> tuple[list[Arrival], int]:
    """Return the arrivals of the requests that `read_har` uses, and how many others there are. Raises `UsageError` as it does."""
    arrivals: list[Arrival] = list(recorded_arrivals(document, path))
    return arrivals, len(document["log"]["entries"]) - len(arrivals)


def logged_arrivals(text: str, path: Path) -> tuple[list[Arrival], int]:
    """Return the arrivals in an access log, and the number of lines without a request of HTTP, which are left out.

    Its times are whole seconds: the arrivals of one second are spread evenly over it. Raises `UsageError`, which names
    the line, for any other text.
    """
    every = list(_logged(text, path))
    found = [(number, second, operation) for number, second, operation in every if operation]
    of_second = collections.Counter(second for _, second, _ in found)
    before: collections.Counter[float] = collections.Counter()
    arrivals: list[Arrival] = []
    for number, second, operation in found:
        arrivals.append((number, second + before[second] / of_second[second], operation))
        before[second] += 1
    return arrivals, len(every) - len(found)


def _logged(text: str, path: Path) -> Iterator[tuple[int, float, str]]:
    for line in logged_requests(text, path):
        time = _TIME.fullmatch(line.time)
        if time is None or time[2] not in _MONTHS:
            raise no_line_of_a_log(f"{path}:{line.number}")
        yield line.number, _second(time), line.operation


def _second(time: re.Match[str]) -> float:
    day, month, year, hour, minute, second, zone = time.groups()
    text = f"{year}-{_MONTHS.index(month) + 1:02}-{day}T{hour}:{minute}:{second}{zone[:3]}:{zone[3:]}"
    try:
        return dt.datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise UsageError(f"'{time[0]}' is not a time", remedy="Correct the line") from error
