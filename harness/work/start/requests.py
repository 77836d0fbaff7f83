"""Write the requests of routes: JSON Lines for web applications, events of API Gateway for Lambda functions."""

import json
import re
from collections.abc import Iterable
from typing import Any

from harness.requests.template import Draft
from harness.target.adapters.awslambda import proxy_event
from harness.work.start.routes import Route
from harness.work.start.template import ApiRoute

REQUESTS = "requests.jsonl"
EVENTS = "events"
_PARAMETER = re.compile(r"\{(\w+)\+?\}")


def request_lines(routes: Iterable[Route]) -> str:
    """Return the requests of these routes as JSON Lines, one a line."""
    return "".join(f"{json.dumps(_line(route))}\n" for route in routes)


def _line(route: Route) -> dict[str, Any]:
    query = {"query": dict.fromkeys(route.query, "1")} if route.query else {}
    return {"operation": route.operation, "method": route.method, "path": route.path, **query}


def event_files(routes: Iterable[ApiRoute]) -> dict[str, str]:
    """Return {path: text} of an event for each of these routes, as API Gateway sends it."""
    return {
        f"{EVENTS}/{_file_name(route)}.json": json.dumps(_event(route), indent=2) + "\n" for route in routes
    }


def _file_name(route: ApiRoute) -> str:
    return "-".join([route.method.lower(), *re.findall(r"\w+", route.path)])


def _event(route: ApiRoute) -> dict[str, Any]:
    path = _PARAMETER.sub("1", route.path)
    values = dict.fromkeys(_PARAMETER.findall(route.path), "1")
    if not route.is_http_api:
        event = proxy_event(Draft(method=route.method, path=path).filled({}))
        event |= {"resource": route.path, "pathParameters": values or None}
        event["requestContext"]["resourcePath"] = route.path
        return event
    key = f"{route.method} {route.path}"
    http = {
        "method": route.method,
        "path": path,
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "",
    }
    return {
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "localhost"},
        **({"pathParameters": values} if values else {}),
        "requestContext": {
            "http": http,
            "routeKey": key,
            "stage": "$default",
            "requestId": "1",
            "timeEpoch": 0,
        },
        "isBase64Encoded": False,
    }
