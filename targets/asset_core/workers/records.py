"""What is known of a job, kept in Redis for a quarter of an hour."""

import dataclasses
from typing import Any

import msgspec

from targets.asset_core.encoding import Encode
from targets.asset_core.errors import CoreError, DeadlineError, StoreError
from targets.asset_core.keys import job_key
from targets.asset_core.scope import Scope
from targets.asset_core.stores.protocols import ByteCache

RECORD_TTL_S = 900.0

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"


class JobProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a job failed: unavailable (with the store), timeout or internal."""

    code: str
    store: str = ""


class JobView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A job: queued, running, done with its result, or failed with its error."""

    id: str
    kind: str
    state: str
    result: Any = None
    error: JobProblem | None = None


_decode = msgspec.json.Decoder(JobView).decode


@dataclasses.dataclass(frozen=True, slots=True)
class JobRecords:
    """Jobs by tenant and id."""

    store: ByteCache
    encode: Encode

    def get(self, tenant: str, job_id: str, scope: Scope) -> JobView | None:
        """Return the job, or None if the tenant has none of that id. StoreError, DeadlineError."""
        data = self.store.get(job_key(tenant, job_id), scope)
        try:
            return None if data is None else _decode(data)
        except msgspec.MsgspecError:
            return None

    def put(self, tenant: str, view: JobView, scope: Scope) -> None:
        """Note what is known now. StoreError, DeadlineError."""
        self.store.put(job_key(tenant, view.id), self.encode(view), RECORD_TTL_S, scope)

    def remove(self, tenant: str, job_id: str, scope: Scope) -> None:
        """Forget a job. StoreError, DeadlineError."""
        self.store.remove([job_key(tenant, job_id)], scope)


def problem_of(error: BaseException) -> JobProblem:
    """Return what is told of an error: nothing of its text."""
    if isinstance(error, DeadlineError):
        return JobProblem("timeout")
    if isinstance(error, StoreError):
        return JobProblem("unavailable", error.where)
    return JobProblem("unavailable") if isinstance(error, CoreError) else JobProblem("internal")
