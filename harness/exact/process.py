"""Run one fresh process that makes a fixed list of requests by one user, and read its counts."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from harness.errors import InvalidRunError
from harness.processes.job import Job
from harness.processes.measure import MeasuredProcess
from harness.processes.subject import Subject
from harness.storage import files
from harness.supervise import Supervisor

_LONGEST_S = 600.0

Facts = TypeVar("Facts")


@dataclasses.dataclass(frozen=True, slots=True)
class ExactPlan:
    """The amount of counting: `requests` of each operation after as many for warm-up, in `repetitions` processes a side.

    `operations` of None means all operations of the target.
    """

    requests: int = 200
    seed: int = 1
    repetitions: int = 3
    operations: tuple[str, ...] | None = None

    def mix(self, offered: Mapping[str, float]) -> dict[str, float]:
        """Return the operations to count, among those of the target."""
        wanted = offered if self.operations is None else self.operations
        return {name: offered[name] for name in wanted if name in offered}


def run_list(
    supervisor: Supervisor, subject: Subject, plan: ExactPlan, kind: Literal["count", "trace"], folder: Path
) -> str:
    """Run the driver of `kind` in a separate process, into `folder`; return the file of the target's factory.

    The hash seed is fixed, so that sets are iterated in one order. Raises the error that the process reports.
    """
    folder.mkdir(parents=True, exist_ok=True)
    job = Job(
        kind=kind,
        folder=str(folder.resolve()),
        factory=subject.factory,
        parameters=dict(subject.parameters),
        seed=plan.seed,
        requests=plan.requests,
        overlay=str(subject.overlay.resolve()) if subject.overlay else None,
    )
    environment = {**subject.environment, "PYTHONHASHSEED": "0"}
    with MeasuredProcess(supervisor, job, folder / "worker.log", environment) as process:
        ready = process.wait_ready()
        process.send_go(plan.mix(ready.operations))
        process.wait_done(_LONGEST_S)
    return ready.file


def read_facts(path: Path, kind: type[Facts]) -> Facts:
    """Return the counts that the process wrote to `path`. Raises `InvalidRunError` if they are missing or damaged."""
    try:
        return msgspec.json.decode(files.read_bytes(path), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidRunError(
            f"The counts of the measured process cannot be read: {error}",
            where=str(path),
            remedy="See worker.log beside it, and run the session again",
        ) from error
