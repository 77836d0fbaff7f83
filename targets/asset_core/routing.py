"""From method and path to an operation: a precompiled table, or regular expressions in turn."""

import dataclasses
import re
from collections.abc import Callable, Sequence

from targets.asset_core.errors import MethodNotAllowedError, NotFoundError


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """One operation. `permission` of None needs no token; `{id}` in the path stands for one segment."""

    method: str
    path: str
    permission: str | None

    @property
    def operation(self) -> str:
        """The name under which calls are counted."""
        return f"{self.method} {self.path}"


GET_ASSET = Route("GET", "/assets/{id}", "asset:read")
GET_HEALTH = Route("GET", "/health", None)
ROUTES = (GET_ASSET, GET_HEALTH)

Find = Callable[[str, str], tuple[Route, str]]
"""(method, path) to the route and the value of `{id}` (empty if it has none); NotFound- or MethodNotAllowedError."""


def make_table(routes: Sequence[Route] = ROUTES) -> Find:
    """Return a finder over dictionaries: whole paths first, then (prefix, methods) of those that end in `{id}`."""
    exact: dict[str, dict[str, Route]] = {}
    prefixed: dict[str, dict[str, Route]] = {}
    for route in routes:
        table, path = (
            (prefixed, route.path[: -len("{id}")]) if route.path.endswith("{id}") else (exact, route.path)
        )
        table.setdefault(path, {})[route.method] = route

    def find(method: str, path: str) -> tuple[Route, str]:
        cut = path.rfind("/") + 1
        methods, value = prefixed.get(path[:cut]), path[cut:]
        if methods is None or not value or path in exact:
            methods, value = exact.get(path), ""
        if methods is None:
            raise NotFoundError("no such path")
        route = methods.get(method)
        if route is None:
            raise MethodNotAllowedError(f"{method[:16]} is not allowed here", sorted(methods))
        return route, value

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
        if allowed:
            raise MethodNotAllowedError(f"{method[:16]} is not allowed here", sorted(allowed))
        raise NotFoundError("no such path")

    return find


def _pattern(path: str) -> str:
    # `[^/]` takes newlines too, as the table does.
    return re.escape(path).replace(r"\{id\}", "(?P<id>[^/]+)")
