"""Records of jobs, kept in Redis for a quarter of an hour."""

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from targets.asset_core.encoding import Encode
from targets.asset_core.errors import CoreError, DeadlineError, StoreError
from targets.asset_core.keys import job_key
from targets.asset_core.scope import Scope
from targets.asset_core.stores.protocols import ByteCache

LOG = logging.getLogger("asset_core.jobs")

RECORD_TTL_S = 900.0
UNSAVED_LIMIT = 1_000
"""Largest number of records that a process keeps while Redis is unavailable; beyond it, the oldest are lost."""

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"


class JobProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The reason of a failed job: unavailable (with the store), timeout or internal."""

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


class JobRecords:
    """Jobs by tenant and id. `clock` is monotonic seconds.

    Running jobs are known here even if Redis fails; a final state is kept here until Redis stores it.
    """

    def __init__(self, store: ByteCache, encode: Encode, clock: Callable[[], float]) -> None:
        self._store = store
        self._encode = encode
        self._clock = clock
        self._lock = threading.Lock()
        self._unsaved: dict[str, tuple[float, bytes]] = {}
        self._in_flight: dict[str, JobView] = {}

    def get(self, tenant: str, job_id: str, scope: Scope) -> JobView | None:
        """Return the job, or None if the tenant has none of that id. Raises StoreError, DeadlineError."""
        key = job_key(tenant, job_id)
        view = self._in_flight.get(key)
        if view is not None:
            return view
        with contextlib.suppress(CoreError):
            self._save_rest(scope)
        _, data = self._unsaved.get(key) or (0.0, self._store.get(key, scope))
        try:
            return None if data is None else _decode(data)
        except msgspec.MsgspecError:
            return None

    def put(self, tenant: str, view: JobView, scope: Scope) -> None:
        """Record an accepted job. Raises StoreError, DeadlineError."""
        key = job_key(tenant, view.id)
        self._save(key, self._encode(view), RECORD_TTL_S, scope)
        self._in_flight[key] = view

    def keep(self, tenant: str, view: JobView, scope: Scope) -> None:
        """Record the current state; in this process, if it is the end of the job and Redis does not accept it."""
        key, data, ended = job_key(tenant, view.id), self._encode(view), view.state in (DONE, FAILED)
        if not ended:
            self._in_flight[key] = view
        try:
            self._save(key, data, RECORD_TTL_S, scope)
        except CoreError as error:
            LOG.warning("the state of job %s could not be kept in Redis: %s", view.id, error)
            if ended:
                self._hold(key, data)
        else:
            with contextlib.suppress(CoreError):
                self._save_rest(scope)
        finally:
            # Remove it only once its final state can be found elsewhere.
            if ended:
                self._in_flight.pop(key, None)

    def remove(self, tenant: str, job_id: str, scope: Scope) -> None:
        """Forget a job. Raises StoreError, DeadlineError."""
        key = job_key(tenant, job_id)
        self._in_flight.pop(key, None)
        self._store.remove([key], scope)

    def _hold(self, key: str, data: bytes) -> None:
        with self._lock:
            self._unsaved[key] = (self._clock() + RECORD_TTL_S, data)
            while len(self._unsaved) > UNSAVED_LIMIT:
                del self._unsaved[next(iter(self._unsaved))]

    def _save(self, key: str, data: bytes, ttl_s: float, scope: Scope) -> None:
        self._store.put(key, data, ttl_s, scope)
        with self._lock:
            self._unsaved.pop(key, None)

    def _save_rest(self, scope: Scope) -> None:
        for key, (expires_s, data) in list(self._unsaved.items()):
            left_s = expires_s - self._clock()
            if left_s <= 0:
                with self._lock:
                    self._unsaved.pop(key, None)
            else:
                self._save(key, data, left_s, scope)


def problem_of(error: BaseException) -> JobProblem:
    """Return the public form of an error, without its text."""
    if isinstance(error, DeadlineError):
        return JobProblem("timeout")
    if isinstance(error, StoreError):
        return JobProblem("unavailable", error.where)
    return JobProblem("unavailable") if isinstance(error, CoreError) else JobProblem("internal")
