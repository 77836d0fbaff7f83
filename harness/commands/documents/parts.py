"""Parts that several documents share. Keys may be added to a document, and none is ever renamed."""

from typing import Any, NotRequired, TypedDict

import msgspec


def extended(name: str, struct: type[msgspec.Struct], more: dict[str, Any], **changed: Any) -> Any:
    """Return the type of a struct's fields beside `more` keys; `changed` fields have other types than in the struct.

    Fields that the struct omits at their defaults are not required.
    """
    is_sparse = struct.__struct_config__.omit_defaults
    fields = {field.name: changed.get(field.name, field.type) for field in msgspec.structs.fields(struct)}
    if is_sparse:
        fields = {key: NotRequired[kind] for key, kind in fields.items()}
    made = TypedDict(name, {**fields, **more})  # type: ignore[misc]
    made.__doc__ = struct.__doc__
    return made


class Percentiles(TypedDict):
    """Times in ns; null for a percentile that rests on too few calls."""

    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    p999: float | None
    max: float | None
    mean: float | None


Intervals = dict[str, tuple[int, int]]


class Error(TypedDict):
    """An error: what happened, where, what to do next, and the exit code of the process."""

    what: str
    where: str
    remedy: str
    exit_code: int


class Failed(TypedDict):
    """The whole document of a command that failed."""

    schema: int
    error: Error


class Document(TypedDict):
    """The keys of every document. `error` ended the work early: what was measured before it stands beside it."""

    schema: int
    error: NotRequired[Error]


class Outcomes(TypedDict):
    """Calls by their end; they sum to `planned`."""

    completed: int
    failed: int
    timed_out: int
    dropped: int
    unfinished: int
    never_started: int


class LimitFinding(TypedDict):
    """The finding on one clause of an SLO; `low` and `high` bound the share of calls that exceed it."""

    slo: str
    operation: str | None
    stage: str | None
    state: str
    calls: int
    exceeding: int
    low: float | None
    high: float | None
    effective_calls: float | None
    more: int | None
    sentence: str


Facts = dict[str, Any]
"""Facts of a machine or a process, whose keys depend on it."""
