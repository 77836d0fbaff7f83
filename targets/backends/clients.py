"""Run several client processes of one store in common rounds."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import ServerError
from harness.supervise import Child, Supervisor
from harness.supervise.ending import ending

_ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True, slots=True)
class Round:
    """The result of some processes with some threads each, together."""

    processes: int
    threads: int
    rate_per_s: float
    client_processors: float
    """Average number of processors that the clients used."""
    machine_busy: float
    """Share of all processors in use by any process."""


class Clients:
    """`count` client processes of one store; they live as long as their supervisor."""

    def __init__(
        self, supervisor: Supervisor, store: str, environment: Mapping[str, str], folder: Path, count: int
    ) -> None:
        # `-P` and our own root: a folder `targets` in the user's directory must not be imported instead.
        argv = [sys.executable, "-P", "-m", "targets.backends.client", store]
        self._store = store
        self._children = [
            supervisor.start(
                f"client-{store}-{index}",
                argv,
                log=folder / f"client-{store}-{index}.log",
                env={**os.environ, **environment, "PYTHONPATH": str(_ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for index in range(count)
        ]

    def wait(self) -> str:
        """Return the description of their read, when all of them have read once."""
        (*_, what) = (self._answer(child)["what"] for child in self._children)
        return str(what)

    def round(self, processes: int, threads: int, seconds: float) -> Round:
        """Let some of the processes read for some seconds, and return their result."""
        team = self._children[:processes]
        before = _machine_ticks()
        for child in team:
            self._order(child, f"{seconds} {threads}\n")
        answers = [self._answer(child) for child in team]
        busy, total = (after - start for after, start in zip(_machine_ticks(), before, strict=True))
        return Round(
            processes,
            threads,
            rate_per_s=sum(answer["calls"] / answer["elapsed_s"] for answer in answers),
            client_processors=sum(answer["cpu_s"] / answer["elapsed_s"] for answer in answers),
            machine_busy=busy / max(total, 1),
        )

    def _order(self, child: Child, line: str) -> None:
        if child.stdin is None:
            raise self._ended(child)
        try:
            child.stdin.write(line.encode())
            child.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended(child) from error

    def _answer(self, child: Child) -> dict[str, Any]:
        line = child.stdout.readline() if child.stdout is not None else b""
        if not line:
            raise self._ended(child)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ended(self, child: Child) -> ServerError:
        return ServerError(
            f"A client of {self._store} {ending(child.wait(10))}",
            where="probe of the servers",
            remedy=f"It said:\n{child.log_tail(lines=5)}",
        )


def _machine_ticks() -> tuple[int, int]:
    """Return the busy and all ticks of all processors since the machine started (proc(5), `/proc/stat`)."""
    ticks = [
        int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    ]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)
