"""`handler(event, context)`: stages in sequence, each a function over the request; every error has a response."""

import logging
import time
from typing import Any

from targets.asset_core.assembly import Resources
from targets.asset_core.audit import audit
from targets.asset_core.container import Container
from targets.asset_core.counting import Counters
from targets.asset_core.endpoints import make_endpoints
from targets.asset_core.errors import (
    DeadlineError,
    ForbiddenError,
    NotReadyError,
    PoolFullError,
    RequestError,
    StoreError,
    UnauthorisedError,
)
from targets.asset_core.logs import log_error
from targets.asset_core.metering import Meter
from targets.asset_core.pools import ObjectPool
from targets.asset_core.request import NOBODY, Request, source_of
from targets.asset_core.responses import Response, broken, busy, refuse, timed_out, unavailable
from targets.asset_core.routing import Route, make_patterns, make_table
from targets.asset_core.scope import REQUEST_LIMIT_S, Scope, request_limit_s
from targets.asset_core.security.bearer import bearer_token
from targets.asset_core.validation import interpret_name, validate_name
from targets.asset_core.workspace import POOL_LIMIT

LOG = logging.getLogger("asset_core.handler")

UNROUTED = "unrouted"
"""Operation of events without a route."""

_STATUS_COUNTERS = {status: f"status.{status // 100}xx" for status in range(100, 600)}


class Handler:
    """Answer events with the resources of a container. Never raises, for any event."""

    def __init__(self, container: Container, counters: Counters, meter: Meter) -> None:
        switches = container.plan.switches
        self._container = container
        self._counters = counters
        self._meter = meter
        self._tracing = container.tracing
        self._clock = container.plan.clocks.monotonic
        self._find = make_table() if switches.fast_routing else make_patterns()
        self._validate = validate_name if switches.compiled_validators else interpret_name
        self._requests = ObjectPool(Request, POOL_LIMIT if switches.object_pools else 0)
        self._endpoints = make_endpoints(switches)

    def handle(self, event: Any, context: object = None) -> Response:
        """Return the proxy response to a proxy event."""
        began_ns = time.perf_counter_ns()
        request = self._requests.take()
        try:
            request.load(event)
            response = self._serve(request, context)
        except RequestError as error:
            response = self._refused(error, request, event)
        except DeadlineError:
            response = timed_out()
        except PoolFullError as error:
            response = busy(error.what)
        except StoreError as error:
            LOG.warning("a store failed: %s", error)
            response = unavailable(error.where)
        except NotReadyError as error:
            LOG.warning("not ready: %s", error)
            response = unavailable("initialisation")
        except Exception as error:  # noqa: BLE001 (no event may end without an answer)
            log_error(LOG, "a request failed in an unplanned way", error)
            response = broken()
        self._account(
            request.operation or UNROUTED, response["statusCode"], time.perf_counter_ns() - began_ns
        )
        self._requests.give(request)
        return response

    def _serve(self, request: Request, context: object) -> Response:
        route, request.target_id = self._find(request.method, request.path)
        request.operation = route.operation
        limit_s = REQUEST_LIMIT_S if context is None else request_limit_s(context)
        request.scope = Scope(self._clock() + limit_s, self._counters.of(request.operation), self._clock)
        request.scope.check()
        resources = self._container.acquire(request.scope.due_s)
        try:
            if self._tracing.enabled:
                with self._tracing.span("request", operation=request.operation):
                    return self._permitted(route, resources, request)
            return self._permitted(route, resources, request)
        finally:
            self._container.release(resources)

    def _permitted(self, route: Route, resources: Resources, request: Request) -> Response:
        if route.permission is not None:
            request.principal = resources.authenticate(bearer_token(request.headers.get("authorization")))
            if route.permission not in request.principal.permissions:
                raise ForbiddenError(f"{route.permission} is missing")
        if request.target_id:
            self._validate("id", request.target_id)
        try:
            return self._endpoints[request.operation](resources, request)
        finally:
            for task in request.scope.afterwards:
                task()

    def _refused(self, error: RequestError, request: Request, event: Any) -> Response:
        if isinstance(error, UnauthorisedError | ForbiddenError):
            principal = request.principal
            who = "anonymous" if principal is NOBODY else f"{principal.tenant}/{principal.subject}"
            what = f"{request.operation} {request.target_id[:128]}".strip()
            audit(who=who, what=what, outcome=error.code, reason=error.what, source=source_of(event))
        return refuse(error)

    def _account(self, operation: str, status: int, duration_ns: int) -> None:
        self._counters.of(operation).add_each(("requests", _STATUS_COUNTERS[status]))
        self._meter.record(operation, status, duration_ns)
