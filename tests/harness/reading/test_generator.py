"""The harness's own client, where the target is another process: what it delays is its own doing, and said so by name."""

import msgspec
import pytest

from harness.policy.thresholds import Level, Thresholds
from harness.reading import generator
from harness.run.documents import BackendFacts, HostFacts, WorkerFacts
from harness.run.facts import LoadFacts
from tests.support.validity import SERVICE_NS, a_run, late, rows, validity_of

FACTS = LoadFacts(origin_ns=0, origin_unix_s=0.0, split=True, ended_ns=10_000_000_000)
REMOTE = msgspec.structs.replace(FACTS, is_remote=True)


@pytest.mark.parametrize(
    ("cpu", "waited", "level"),
    [
        (0.70, 0.01, Level.VALID),
        (0.80, 0.01, Level.DEGRADED),
        (0.70, 0.10, Level.DEGRADED),
        (0.97, 0.01, Level.INVALID),
    ],
)
def test_a_client_without_a_free_processor_is_what_was_measured(cpu, waited, level):
    host = HostFacts(cpu_share=cpu, descheduled_share=waited)
    found = list(generator.processor(a_run(host=host, facts=REMOTE), "The load generator", "Lower it"))
    assert [one.level for one in found] == [level]
    assert found[0].sentence.startswith("The load generator had work for ")
    assert found[0].sentence.endswith("partly those of the client. Lower it")
    # The pacer of an open model spins; other targets share the process with their client.
    runs = [
        a_run(host=host, executor=executor, facts=facts)
        for executor, facts in (("closed", REMOTE), ("open", REMOTE), ("closed", FACTS))
    ]
    said = ["load generator had work" in " ".join(validity_of(run).reasons) for run in runs]
    assert said == [level is not Level.VALID, False, False]


def test_each_worker_is_looked_at():
    workers = [
        WorkerFacts(name="worker-0", outcomes={}, host=HostFacts(cpu_share=0.5)),
        WorkerFacts(name="worker-1", outcomes={}, host=HostFacts(cpu_share=0.99)),
    ]
    found = {one.sentence[:35]: one.level for one in generator.findings(a_run(workers=workers, facts=REMOTE, executor="closed"), Thresholds())}  # fmt: skip
    assert found["The load generator worker-1 had wor"] is Level.INVALID
    assert found["The load generator worker-0 had wor"] is Level.VALID


@pytest.mark.parametrize(("achieved", "is_near"), [(800.0, False), (900.0, True)])
def test_a_rate_near_the_clients_ceiling_is_the_clients(achieved, is_near):
    ceiling = BackendFacts(ceiling_per_s=1_000.0, achieved_per_s=achieved, is_client=True)
    validity = validity_of(a_run(backends={"HTTP client": ceiling}, facts=REMOTE))
    assert validity.level is (Level.DEGRADED if is_near else Level.VALID)
    said = "HTTP client was close to its own ceiling: 900/s of the about 1,000/s that it can make on this machine"
    assert bool(validity.reasons) is is_near
    assert not is_near or (said in validity.reasons[0] and "not the server" in validity.reasons[0])


@pytest.mark.parametrize(
    ("share", "level"), [(0.2, Level.VALID), (0.3, Level.DEGRADED), (0.9, Level.DEGRADED)]
)
def test_a_loop_that_others_held_while_requests_waited_is_told(share, level):
    table = rows()
    table["wait_busy_ns"] = share * SERVICE_NS
    table["run_ns"] = (1 - share) * SERVICE_NS
    run = a_run(table, facts=REMOTE)
    assert generator.loop_share(run) == pytest.approx(share, rel=0.01)
    assert validity_of(run).level is level
    assert validity_of(a_run(table)).level is Level.VALID


def test_late_calls_are_held_up_by_the_loop_of_the_client():
    reasons = validity_of(a_run(late(1.0), facts=REMOTE)).reasons
    assert any("held up by the loop of the client: 1 ms at p99" in one for one in reasons)


@pytest.mark.parametrize(
    ("target", "is_foreign"), [("https://h/a?b=c:d", True), ("serve:shop", False), ("asset-core", False)]
)
def test_only_the_server_of_a_url_is_somebody_elses(target, is_foreign):
    run = a_run(facts=REMOTE)
    run.document.target = target
    assert generator.is_foreign(run) is is_foreign
