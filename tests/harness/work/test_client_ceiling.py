"""The ceiling of the HTTP client stands beside each run of a server, and a server that is not there is said at once."""

import dataclasses

import pytest

from harness.console.console import Talk
from harness.errors import ServerError, TargetError
from harness.processes.job import Ready
from harness.processes.loadrun import LoadPlan, LoadResult
from harness.processes.measure import Ending
from harness.run.documents import HostFacts, WorkerFacts
from harness.supervise import Supervisor
from harness.work import client_ceiling
from harness.work.client_ceiling import NAME, two_bytes_server, with_client
from harness.work.servers import Backends
from harness.work.subjects import select
from scenarios.catalogue import SCENARIOS

PLAN = LoadPlan(SCENARIOS["steady"], 100.0, 1, 1.0, 0.0, 1)
TALK = Talk()


def ceilings(url, plan=PLAN, **given):
    selection = select(url, SCENARIOS["steady"], (), given)
    with Supervisor() as supervisor:
        return with_client(Backends("none"), selection, plan, supervisor, TALK).ceilings


@pytest.mark.measures
def test_the_client_is_measured_as_the_run_will_use_it():
    with Supervisor() as supervisor, two_bytes_server(supervisor) as url:
        facts = ceilings(url, dataclasses.replace(PLAN, workers=2), engine="threads")[NAME]
    assert facts.is_client
    assert facts.ceiling_per_s > 0
    assert "8 users in 2 processes" in facts.what


@pytest.mark.parametrize(
    ("hosts", "share"),
    [((0.5,), 0.5), ((1.0, 0.5), 0.75), ((None,), 1.0), ((0.01,), 1.0), ((None, 0.5), 0.5)],
)
def test_the_rate_is_that_of_a_processor_of_its_own(hosts, share):
    one, *_ = found = [HostFacts(cpu_share=cpu) for cpu in hosts]
    workers = tuple(WorkerFacts(name="w", outcomes={}, host=host) for host in found) if len(hosts) > 1 else ()
    result = LoadResult(Ending(), one, Ready({}), workers)
    assert client_ceiling._processor_share(result) == share


def test_other_targets_have_no_client():
    assert ceilings("known:constant") == {}


def test_a_server_that_is_not_there_is_said_before_the_client_is_measured():
    with pytest.raises(TargetError, match="connection refused"):
        ceilings("http://127.0.0.1:9")


def test_a_client_that_cannot_be_measured_has_an_unknown_ceiling(monkeypatch):
    def fail(_supervisor):
        raise ServerError("it did not start")

    with Supervisor() as supervisor, two_bytes_server(supervisor) as url:
        monkeypatch.setattr(client_ceiling, "two_bytes_server", fail)
        facts = ceilings(url)[NAME]
    assert (facts.ceiling_per_s, facts.what) == (None, "not measured: it did not start")
