"""The operations on jobs."""

from targets.asset_core.assembly import Resources
from targets.asset_core.bodies import JOB
from targets.asset_core.errors import NotFoundError
from targets.asset_core.presenting import Presenter
from targets.asset_core.reading import Reader
from targets.asset_core.request import Request
from targets.asset_core.responses import Response
from targets.asset_core.validation import validate_name
from targets.asset_core.workers.jobs import Order, make_job_id
from targets.asset_core.workers.kinds import read_work

KEY_HEADER = "idempotency-key"


class JobEndpoints:
    """`POST /jobs` and `GET /jobs/{id}`."""

    def __init__(self, reader: Reader, presenter: Presenter) -> None:
        self._reader = reader
        self._presenter = presenter

    def submit(self, resources: Resources, request: Request) -> Response:
        """Return 202 with the job's id at once, or with `wait` 200 with its result within the deadline.

        A repeated Idempotency-Key returns the first job, in its present state.
        """
        body = self._reader.read(request, JOB)
        kind, data = read_work(body.kind, body.data, self._reader)
        key = request.headers.get(KEY_HEADER)
        if key is not None:
            validate_name(KEY_HEADER, key)
        tenant = request.principal.tenant
        order = Order(make_job_id(tenant, key), tenant, body.kind, kind, data)
        if body.wait:
            view = resources.jobs.run(order, request.scope)
            return self._presenter.send(200, resources.encode(view), request)
        queue = resources.jobs.submit if key is None else resources.jobs.submit_once
        view = queue(order, request.scope)
        return self._presenter.send(202, resources.encode(view), request)

    def get(self, resources: Resources, request: Request) -> Response:
        """Answer with the state of a job, and its result or error once it has ended."""
        view = resources.jobs.get(request.principal.tenant, request.target_id, request.scope)
        if view is None:
            raise NotFoundError("no such job")
        return self._presenter.send(200, resources.encode(view), request)
