"""Make the document of a run that begins: the request, the target and the environment."""

from collections.abc import Mapping
from typing import Protocol

from harness import environment
from harness.policy.thresholds import Thresholds
from harness.processes.loadrun import LoadPlan
from harness.reading.limits import call_limits, check_operations
from harness.run.documents import RunDocument
from harness.storage.stamps import started_now
from harness.work.servers import Backends
from harness.work.subjects import Selection


class Asked(Protocol):
    """The fields common to every request for a run, as typed; `shape` are the options that shaped the plan."""

    @property
    def selection(self) -> Selection: ...  # noqa: D102 - fields
    @property
    def command(self) -> str: ...  # noqa: D102
    @property
    def slos(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def shape(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def thresholds(self) -> Thresholds | None: ...  # noqa: D102


def document_of(
    asked: Asked, variant: str, plan: LoadPlan, mix: Mapping[str, float], backends: Backends
) -> RunDocument:
    """Return the document of a run of one variant that begins now.

    Raises `UsageError` for a limit on an operation that the run does not have.
    """
    check_operations(call_limits(asked.slos), mix)
    return RunDocument(
        scenario=plan.scenario.name,
        target=asked.selection.spec.shown,
        variant=variant,
        seed=plan.seed,
        started_at=started_now(),
        command=asked.command,
        plan=plan.facts(mix),
        thresholds=asked.thresholds,
        slos=list(asked.slos),
        shape=list(asked.shape),
        traceparent=plan.traceparent,
        environment={**environment.collect(), "backends": backends.kind},
    )
