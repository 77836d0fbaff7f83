"""The function of each operation, after authentication and authorisation."""

from collections.abc import Callable

from targets.asset_core.assembly import Resources
from targets.asset_core.batch_endpoints import BatchEndpoints
from targets.asset_core.cache.entry import Entry
from targets.asset_core.encoding import etag_of
from targets.asset_core.errors import NotFoundError
from targets.asset_core.health_details import details_of, require_insight, wants_details
from targets.asset_core.job_endpoints import JobEndpoints
from targets.asset_core.presenting import Presenter
from targets.asset_core.reading import Reader
from targets.asset_core.request import Request
from targets.asset_core.responses import REFUSAL_HEADERS, Response, respond
from targets.asset_core.routing import BATCH_GET, GET_ASSET, GET_HEALTH, GET_JOB, INGEST, SUBMIT_JOB
from targets.asset_core.switches import Switches

Endpoint = Callable[[Resources, Request], Response]


def make_endpoints(switches: Switches) -> dict[str, Endpoint]:
    """Return the function of each operation."""
    presenter = Presenter(compression=switches.compression)
    present = presenter.present
    reader = Reader(compiled=switches.compiled_validators)
    batches = BatchEndpoints(reader, presenter)
    jobs = JobEndpoints(reader, presenter)

    def get_asset(resources: Resources, request: Request) -> Response:
        entry = resources.cache.load(request.principal.tenant, request.target_id, request.scope)
        if entry.body is None and entry.document is None:
            raise NotFoundError("no such asset")
        if entry.document is not None:
            entry = encoded(resources, entry)
        return present(entry, request)

    return {
        GET_ASSET.operation: get_asset,
        BATCH_GET.operation: batches.get,
        INGEST.operation: batches.ingest,
        SUBMIT_JOB.operation: jobs.submit,
        GET_JOB.operation: jobs.get,
        GET_HEALTH.operation: get_health,
    }


def get_health(resources: Resources, request: Request) -> Response:
    """Return the state of each store: 200 while requests can be served, 503 otherwise.

    With `?details=…` also the activity of the process, for permitted callers.
    """
    view = resources.health.view(request.scope)
    status = 503 if view.status == "down" else 200
    if wants_details(request):
        require_insight(resources, request)
        return respond(status, resources.encode(details_of(resources, view)).decode(), REFUSAL_HEADERS)
    return respond(status, resources.encode(view).decode(), REFUSAL_HEADERS)


def encoded(resources: Resources, entry: Entry) -> Entry:
    """Return the encoded form of an entry that holds an object: the cost of each hit without `cache_encoded`."""
    body = resources.encode(entry.document)
    return Entry(entry.fetched_at_s, body=body, etag=etag_of(body))
