"""Find the operation of a method and path: by a precompiled table, or by regular expressions in turn."""

import dataclasses
import re
from collections.abc import Callable, Collection, Sequence
from typing import NoReturn

from targets.asset_core.errors import MethodNotAllowedError, NotFoundError


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """One operation. A `permission` of None needs no token; `{id}` in the path stands for one segment."""

    method: str
    path: str
    permission: str | None

    @property
    def operation(self) -> str:
        """The name for counting calls."""
        return f"{self.method} {self.path}"


GET_ASSET = Route("GET", "/assets/{id}", "asset:read")
BATCH_GET = Route("POST", "/assets/batch-get", "asset:read")
INGEST = Route("POST", "/assets", "asset:write")
GET_HEALTH = Route("GET", "/health", None)
SUBMIT_JOB = Route("POST", "/jobs", "job:submit")
GET_JOB = Route("GET", "/jobs/{id}", "job:submit")
ROUTES = (GET_ASSET, BATCH_GET, INGEST, SUBMIT_JOB, GET_JOB, GET_HEALTH)

Find = Callable[[str, str], tuple[Route, str]]
"""Function from (method, path) to the route and the value of `{id}` (empty without one); NotFound- or MethodNotAllowedError."""


def make_table(routes: Sequence[Route] = ROUTES) -> Find:
    """Return a finder over dictionaries: of paths that end in `{id}` by their beginning, and of whole paths."""
    exact: dict[str, dict[str, Route]] = {}
    prefixed: dict[str, dict[str, Route]] = {}
    for route in routes:
        table, path = (
            (prefixed, route.path[: -len("{id}")]) if route.path.endswith("{id}") else (exact, route.path)
        )
        table.setdefault(path, {})[route.method] = route

    def find(method: str, path: str) -> tuple[Route, str]:
        cut = path.rfind("/") + 1
        value = path[cut:]
        by_prefix = prefixed.get(path[:cut]) if value else None
        if by_prefix is not None and method in by_prefix:
            return by_prefix[method], value
        whole = exact.get(path)
        if whole is not None and method in whole:
            return whole[method], ""
        return _refuse(method, {**(by_prefix or {}), **(whole or {})})

    return find


def make_patterns(routes: Sequence[Route] = ROUTES) -> Find:
    """Return a finder that tries one regular expression after the other."""
    patterns = [(re.compile(_pattern(route.path)), route) for route in routes]

    def find(method: str, path: str) -> tuple[Route, str]:
        allowed = []
        for pattern, route in patterns:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            if route.method == method:
                return route, match.groupdict().get("id", "")
            allowed.append(route.method)
        return _refuse(method, allowed)

    return find


def _refuse(method: str, allowed: Collection[str]) -> NoReturn:
    if not allowed:
        raise NotFoundError("no such path")
    raise MethodNotAllowedError(f"{method[:16]} is not allowed here", sorted(allowed))


def _pattern(path: str) -> str:
    # `[^/]` also matches newlines, as the table does.
    return re.escape(path).replace(r"\{id\}", "(?P<id>[^/]+)")
