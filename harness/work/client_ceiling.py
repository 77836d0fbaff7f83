"""Measure the ceiling of the harness's own HTTP client: its highest rate against a server that answers two bytes.

A run close to it measures the load generator. The client is measured as the run will use it: under the same engine, with the
same split, in as many processes; plain HTTP, whatever the server of the run speaks. The rate is that of a client with a
processor of its own: its calls for each second of CPU.
"""

import contextlib
import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator

from harness.console.console import Talk
from harness.errors import HarnessError, ServerError
from harness.model import Executor
from harness.processes.loadrun import LoadPlan, LoadResult, run_load
from harness.processes.several import run_with_workers
from harness.processes.subject import Subject
from harness.reading.summary import throughput
from harness.run.directory import RunDirectory
from harness.run.documents import BackendFacts
from harness.supervise import Supervisor, private_folder
from harness.target.client.address import read_address
from harness.target.client.connections import Connections
from harness.target.spec import ENGINE, HTTP, SERVE, kind_and_place
from harness.units import format_rate
from harness.work.servers import Backends
from harness.work.subjects import Selection
from scenarios.catalogue import SCENARIOS

NAME = "HTTP client"
_MEASURED_S = 1.0
_WARMUP_S = 0.3
_USERS = 8
_LEAST_SHARE = 0.05


def with_client(
    backends: Backends, selection: Selection, plan: LoadPlan, supervisor: Supervisor, talk: Talk
) -> Backends:
    """Return the back ends of a run, with the ceiling of its client if its target is a server with a URL.

    Raises `TargetError` if no server is there: the measurement of the ceiling would only delay the message.
    """
    kind = kind_and_place(selection.spec.name)[0]
    if kind not in {HTTP, SERVE}:
        return backends
    if kind == HTTP:
        connections = Connections(read_address(selection.spec.name, selection.spec.parameters))
        connections.begin()
        connections.close()
    facts = client_ceiling(supervisor, plan, selection.spec.parameters.get(ENGINE))
    if facts.ceiling_per_s:
        talk.say(f"Ceiling: {NAME} {format_rate(facts.ceiling_per_s)}")
    return dataclasses.replace(backends, ceilings={**backends.ceilings, NAME: facts})


def client_ceiling(supervisor: Supervisor, plan: LoadPlan, engine: str | None) -> BackendFacts:
    """Return the client's highest rate on this machine, in calls per second; unknown if it cannot be measured."""
    plan = dataclasses.replace(
        plan,
        scenario=dataclasses.replace(SCENARIOS["closed"], executor=Executor.CLOSED, think_time_s=0.0),
        users=max(_USERS, plan.workers),
        duration_s=_MEASURED_S,
        warmup_s=_WARMUP_S,
        trace=None,
        in_flight=None,
    )
    try:
        with two_bytes_server(supervisor) as url, private_folder() as folder:
            subject = Subject(url, {ENGINE: engine} if engine else {})
            run = run_with_workers if plan.workers > 1 else run_load
            result = run(supervisor, subject, plan, folder, on_mix=lambda _mix: None, tick=lambda _s: None)
            if result.ending.interrupted:
                raise KeyboardInterrupt
            rate_per_s = throughput(folder / RunDirectory.CALLS, _MEASURED_S)
            share = _processor_share(result)
    except HarnessError as error:
        return BackendFacts(what=f"not measured: {error}", is_client=True)
    processes = f"{plan.workers} process{'es' if plan.workers > 1 else ''}"
    return BackendFacts(
        # As on a processor of its own: what others took of it in this second, they may not take in the run.
        ceiling_per_s=rate_per_s / share if rate_per_s else None,
        what=f"requests to a server that answers two bytes, by {plan.users} users in {processes}, for each second of CPU, without TLS",
        is_client=True,
    )


def _processor_share(result: LoadResult) -> float:
    """Return the mean share of a processor that the client's processes used; 1 if it is unknown or too small to tell."""
    hosts = [worker.host for worker in result.workers] or [result.host]
    shares = [host.cpu_share for host in hosts if host.cpu_share is not None]
    mean = sum(shares) / len(shares) if shares else 0.0
    return mean if mean > _LEAST_SHARE else 1.0


@contextlib.contextmanager
def two_bytes_server(supervisor: Supervisor) -> Iterator[str]:
    """Run the server in a process of its own, and yield its URL. Raises `ServerError`."""
    with private_folder() as folder:
        child = supervisor.start(
            "the server that answers two bytes",
            [sys.executable, "-P", "-m", "targets.two_bytes_server"],
            log=folder / "server.log",
            env=dict(os.environ),
            stdout=subprocess.PIPE,
        )
        with child:
            assert child.stdout is not None  # noqa: S101 - it was asked for
            port = child.stdout.readline().decode().strip()
            if not port:
                raise ServerError(
                    f"{child.name} did not start", where=str(child.log), remedy=child.log_tail()
                )
            yield f"http://127.0.0.1:{port}"
