"""Locust's master and workers on two hosts: one run, exact, and placed in time within the error that it states."""

import signal
import sys
import time
from collections import defaultdict

import numpy as np
import pytest

from harness.clock import NS_PER_S
from harness.processes.clock_exchange import this_clock
from tests.support.cli import returned
from tests.support.hosts import FAR, MASTER_ADDRESS, two_hosts, why_not
from tests.support.journalled import serving
from tests.support.locust import free_port
from tests.support.locustfiles import FILES, end_of, sent_rows, start

WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
THERE_MS, BACK_MS = 40, 5
# The journal's clock is compared with the wall clock once more here.
COMPARED_NS = 1_000_000


@pytest.fixture
def hosts():
    with two_hosts() as made:
        yield made


class Crew:
    """A master and a worker on the near host, and a worker on the far one."""

    def __init__(self, hosts, folder, url, port, duration, master_address="127.0.0.1"):
        common = ("-f", FILES / "places.py", "--host", url, "--stop-timeout", 5)
        worker = ("--worker", "--master-port", port)
        self.folder = folder
        folders = {name: folder / name for name in ("near", "far")}
        for one in folders.values():
            one.mkdir()
        harness = (sys.executable, "-m", "harness", "locust")
        far = (sys.executable, "-c", FAR, "locust")
        self.master = start(
            folder, *common, "--master", "--master-bind-port", port, "--expect-workers", 2, "-u", 4, "-r", 4, "-t", duration,
            program=(*hosts.on_near, *harness),
        )  # fmt: skip
        self.near = start(
            folders["near"], *common, *worker, "--master-host", "127.0.0.1",
            program=(*hosts.on_near, *harness), PLACE="near",
        )  # fmt: skip
        self.far = start(
            folders["far"], *common, *worker, "--master-host", master_address, program=(*hosts.on_far, *far), PLACE="far"
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.master, self.near, self.far):
            if process.poll() is None:
                process.kill()
            process.communicate()

    def end(self):
        return end_of(self.master, self.folder)


@pytest.fixture
def served(hosts, tmp_path):
    with serving(tmp_path, MASTER_ADDRESS, hosts.on_near) as server:
        yield server


def by_path(server):
    """Return when each request arrived, by its path, in ns of this machine's wall clock."""
    zero_ns = this_clock().zero_unix_ns
    arrived = defaultdict(list)
    for one in server.served():
        arrived[one.path].append(one.arrived_ns + zero_ns)
    return {path: np.sort(times) for path, times in arrived.items()}


def until_served(server, count, path="/far"):
    deadline_s = time.monotonic() + 60
    while sum(one.path == path for one in server.served()) < count:
        assert time.monotonic() < deadline_s, "the far host never called"
        time.sleep(0.1)


def test_a_far_host_with_other_clocks_is_placed_within_the_stated_error_also_if_the_master_is_slow(
    hosts, tmp_path, served
):
    port = free_port()
    with hosts.relay(port, THERE_MS, BACK_MS), Crew(hosts, tmp_path, served.url, port, "4s") as crew:
        until_served(served, 20)
        # Its answers to the workers' questions are 1.5 s late.
        crew.master.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        crew.master.send_signal(signal.SIGCONT)
        done = crew.end()
    workers = {worker.name: worker for worker in done.run.document.workers}
    errors_ns = sorted(worker.placed_within_ns for worker in workers.values())
    assert errors_ns[0] == 0
    # Half of the quickest way there and back, and what the clocks can have drifted.
    assert (THERE_MS + BACK_MS) / 2 <= errors_ns[1] / 1e6 < 60
    assert not [reason for reason in done.reasons if "clock" in reason or "placed" in reason]
    arrived = by_path(served)
    origin_ns = round(done.run.facts.origin_unix_s * NS_PER_S)
    for path, error_ns in (("/near", 0), ("/far", errors_ns[1])):
        rows = sent_rows(done.rows(f"GET {path}"))
        assert len(rows) == len(arrived[path]) > 50
        # From the begin of a request to its arrival at the server: at least nothing, and for most a few ms.
        way_ns = arrived[path] - (np.sort(rows["dispatched_ns"]) + origin_ns)
        assert way_ns.min() >= -error_ns - COMPARED_NS
        assert np.median(way_ns) <= error_ns + 20_000_000
        assert len(returned(rows)) == len(rows)


@pytest.mark.parametrize("is_restored", [True, False], ids=["for 3 s", "for good"])
def test_a_cable_that_is_pulled_loses_nothing_that_was_reported_and_is_told_if_it_stays_out(
    hosts, tmp_path, served, is_restored
):
    port = free_port()
    with Crew(hosts, tmp_path, served.url, port, "6s", MASTER_ADDRESS) as crew:
        until_served(served, 20)
        time.sleep(0.5 if is_restored else 3.5)
        hosts.cable("down")
        if is_restored:
            time.sleep(2.0)
            hosts.cable("up")
        done = crew.end()
    arrived = by_path(served)
    near, far = (sent_rows(done.rows(f"GET /{place}")) for place in ("near", "far"))
    assert len(near) == len(arrived["/near"])
    lost = [worker.lost for worker in done.run.document.workers if worker.lost]
    if is_restored:
        assert not lost
        # The server has answered no request that has no row; one in flight when the cable was pulled may be sent twice.
        assert len(far) <= len(arrived["/far"]) <= len(far) + 2
        return
    assert lost == ["stopped answering"]
    assert 0 < len(far) <= len(arrived["/far"])
    assert done.code == 5
    assert done.reasons[0].partition(" ")[2].startswith("stopped answering; it left ")
