"""The operations on many assets at once."""

from targets.asset_core.assembly import Resources
from targets.asset_core.bodies import BATCH_GET, INGEST, bundle_of
from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.ingest import TIMEOUT, IngestReport
from targets.asset_core.presenting import Presenter
from targets.asset_core.reading import Reader
from targets.asset_core.request import Request
from targets.asset_core.responses import Response
from targets.asset_core.workspace import Outcome


class BatchEndpoints:
    """`POST /assets/batch-get` and `POST /assets`."""

    def __init__(self, reader: Reader, presenter: Presenter) -> None:
        self._reader = reader
        self._presenter = presenter

    def get(self, resources: Resources, request: Request) -> Response:
        """Answer with processed assets. Raises StoreError if a store fails for all of them, DeadlineError on expiry."""
        asked = self._reader.read(request, BATCH_GET)
        processor = resources.processor
        with processor.workspace.answers.lend() as answer:
            try:
                answer.results.extend(processor.process(request.principal.tenant, asked.ids, request.scope))
                _require_some(answer.results)
                return self._presenter.send(200, resources.encode(answer), request)
            finally:
                processor.release(answer.results)

    def ingest(self, resources: Resources, request: Request) -> Response:
        """Write assets, and report the failed store of each failed asset.

        200 if any was written, 503 if none could be, 504 if the time ran out: all of them report the written assets.
        """
        body = self._reader.read(request, INGEST)
        tenant = request.principal.tenant
        bundles = [bundle_of(asset, tenant) for asset in body.assets]
        report = resources.ingest.write(tenant, bundles, request.scope)
        response = self._presenter.send(_status(report), resources.encode(report), request)
        if response["statusCode"] == 503:
            response["headers"]["Retry-After"] = "1"
        return response


def _require_some(outcomes: list[Outcome]) -> None:
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if any(error.code == "timeout" for error in errors):
        raise DeadlineError("the request's time ran out while assets were processed")
    stores = [error.store for error in errors if error.store]
    if len(stores) == len(outcomes):
        raise StoreError("no asset could be read", where=stores[0])


def _status(report: IngestReport) -> int:
    if any(failure.reason == TIMEOUT for failure in report.failures):
        return 504
    return 503 if report.failed and not report.written else 200
