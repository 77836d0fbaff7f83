"""The interface as an OpenAPI 3.1 document, made from the routes and types that serve it.

`python -m targets.asset_core.openapi` writes it to standard output.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from targets.asset_core.bodies import BatchGetBody, IngestBody, JobBody
from targets.asset_core.health_details import HealthDetails
from targets.asset_core.ingest import IngestReport
from targets.asset_core.model import FullAsset
from targets.asset_core.openapi_examples import BODY_EXAMPLES
from targets.asset_core.openapi_headers import headers_of, parameters_of
from targets.asset_core.responses import JSON_TYPE, MESSAGES
from targets.asset_core.routing import (
    BATCH_GET,
    GET_ASSET,
    GET_HEALTH,
    GET_JOB,
    INGEST,
    ROUTES,
    SUBMIT_JOB,
    Route,
)
from targets.asset_core.workers.kinds import KINDS
from targets.asset_core.workers.records import JobView
from targets.asset_core.workspace import BatchAnswer, Processed

VERSION = "1"


class FieldProblem(msgspec.Struct):
    """A field and its defect."""

    field: str
    reason: str


class Refusal(msgspec.Struct, omit_defaults=True):
    """The reason of a refusal: `store` names the failed one, `fields` the defects of the request."""

    code: str
    message: str
    store: str = ""
    fields: list[FieldProblem] = []


class ErrorAnswer(msgspec.Struct):
    """The body of every refusal."""

    error: Refusal


BODIES: Mapping[Route, type] = {BATCH_GET: BatchGetBody, INGEST: IngestBody, SUBMIT_JOB: JobBody}
ANSWERS: Mapping[Route, Mapping[int, type]] = {
    GET_ASSET: {200: FullAsset},
    BATCH_GET: {200: BatchAnswer},
    INGEST: {200: IngestReport, 503: IngestReport, 504: IngestReport},
    SUBMIT_JOB: {200: JobView, 202: JobView},
    GET_JOB: {200: JobView},
    GET_HEALTH: {200: HealthDetails, 503: HealthDetails},
}
_REFERENCE = "#/components/schemas/{name}"
_OWN_MESSAGES = {400: "The request breaks a rule; its fields are named.", 413: "The body is over 6 MiB."}
_GOOD = {200: "The answer.", 202: "The work has been taken.", 304: "The caller has this answer already."}


def make_document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    kinds = [kind.shape.type for kind in KINDS.values()]
    answers = [answer for each in ANSWERS.values() for answer in each.values()]
    types = dict.fromkeys([*BODIES.values(), *answers, ErrorAnswer, *kinds])
    _, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    components = _plain(components)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Asset core", "version": VERSION},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _plain(components: Mapping[str, Any]) -> dict[str, Any]:
    """Return schemas in JSON's form, with JSON's regular expressions, without fields that are never sent."""
    text = json.dumps(components).replace(r"\\A", "^").replace(r"\\Z", "$")
    schemas: dict[str, Any] = json.loads(text)
    for pooled in (Processed, BatchAnswer):
        del schemas[pooled.__name__]["properties"]["idle"]
    schemas[JobBody.__name__] = _by_kind(schemas[JobBody.__name__])
    return schemas


def _by_kind(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a job as one of those of its kinds, each with its own data."""
    variants = []
    for name, kind in KINDS.items():
        data = {"$ref": _REFERENCE.format(name=kind.shape.type.__name__)}
        variants.append(
            {**job, "title": name, "properties": {**job["properties"], "kind": {"const": name}, "data": data}}
        )
    return {"oneOf": variants}


def _operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.operation,
        "responses": {str(status): _response(route, status) for status in _statuses(route)},
        "security": [{"bearer": []}] if route.permission else [],
    }
    if route.permission:
        found["description"] = f"Needs the permission {route.permission}."
    if route is GET_HEALTH:
        found["security"] = [{}, {"bearer": []}]
    parameters = parameters_of(route)
    if parameters:
        found["parameters"] = parameters
    if route in BODIES:
        content = _json(BODIES[route])
        examples = {name: {"value": value} for name, value in BODY_EXAMPLES[route].items()}
        content[JSON_TYPE]["examples"] = examples
        found["requestBody"] = {"required": True, "content": content}
    return found


def _statuses(route: Route) -> list[int]:
    """Return every status code of an operation."""
    statuses = {*ANSWERS[route], 500, 503, 504}
    if route.permission or route is GET_HEALTH:
        statuses |= {401, 403}
    if "{id}" in route.path:
        statuses |= {400, 404}
    if route in BODIES:
        statuses |= {400, 413}
    return sorted(statuses | ({304} if route is GET_ASSET else set()))


def _response(route: Route, status: int) -> dict[str, Any]:
    headers = headers_of(route, status)
    if status == 304:
        return {"description": _GOOD[status], "headers": headers}
    own = ANSWERS[route].get(status)
    if status < 300 and own is not None:
        return {"description": _GOOD[status], "headers": headers, "content": _json(own)}
    description = MESSAGES.get(status) or _OWN_MESSAGES[status]
    content = _json(*filter(None, [own, ErrorAnswer]))
    return {"description": description, "headers": headers, "content": content}


def _json(*types: type) -> dict[str, Any]:
    schemas = [{"$ref": _REFERENCE.format(name=each.__name__)} for each in types]
    return {JSON_TYPE: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}}


if __name__ == "__main__":
    json.dump(make_document(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
