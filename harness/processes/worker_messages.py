"""Messages between the supervisor, Locust's master and its workers when a run has several workers.

Supervisor to master, JSON lines: `WorkerRun`, then `Go`, and `Lost` at any time. The master answers as any measured process
does (`harness.processes.job`), after a message with its port. Master and workers use custom messages of Locust's runners:

`hello -> job -> ready -> go -> armed -> start -> report`, or `failed` at any point; `stop` ends a run early.
"""

import msgspec

from harness.plans.span import Span
from harness.processes.job import Go, Job

# Files of the master in each worker's folder: the worker's report, or the reason why there is none.
ACCOUNT = "account.msgpack"
FAILURE = "failure.json"
KEY_VARIABLE = "HARNESS_MASTER_KEY"
"""Environment variable of a worker with the key to the master's port: arguments are visible to every user."""


class Kind:
    """The types of the custom messages."""

    HELLO = "harness-hello"
    JOB = "harness-job"
    READY = "harness-ready"
    GO = "harness-go"
    ARMED = "harness-armed"
    START = "harness-start"
    STOP = "harness-stop"
    REPORT = "harness-report"
    FAILED = "harness-failed"

    TO_MASTER = (HELLO, READY, ARMED, REPORT, FAILED)
    TO_WORKER = (JOB, GO, START, STOP)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """The part of one worker: `job.users` and `job.in_flight_limit` are its own share, as is the table in its folder."""

    name: str
    number: int
    workers: int
    job: Job
    spans: tuple[Span, ...]


class WorkerRun(msgspec.Struct, frozen=True, kw_only=True):
    """All workers of a run, and how many users (or pacers) Locust spreads over them."""

    members: tuple[Member, ...]
    users: int
    warmup_s: float
    duration_s: float


class Lost(msgspec.Struct, frozen=True, tag="lost"):
    """The process of this worker has ended: no more messages will come from it."""

    name: str
    how: str


ToMaster = Go | Lost
