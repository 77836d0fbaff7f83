"""A disturbance: processes that spin where they should, and are gone afterwards."""

import os
import time

import pytest

from harness.calibrate.effects import Disturbance
from harness.calibrate.stress import disturbed
from harness.supervise import Supervisor
from tests.support.processes import command_line, descendants, is_alive, survivors

HERE = sorted(os.sched_getaffinity(0))


def spinning(log, disturbance, core, cores):
    """Return where each process of the disturbance was pinned, and the processes."""
    with Supervisor() as supervisor:
        with disturbed(disturbance, core, cores, supervisor, log):
            pids = {pid for pid in descendants(os.getpid()) if b"work_s" in command_line(pid)}
            places = sorted(place for pid in pids for place in pinned(pid))
            alive = {pid for pid in pids if is_alive(pid)}
        assert survivors(pids) == set()
    return places, alive


def pinned(pid, patience_s=10.0):
    """Return the cores of a process that pins itself when it has started."""
    deadline_s = time.monotonic() + patience_s
    while len(os.sched_getaffinity(pid)) > 1 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return os.sched_getaffinity(pid)


@pytest.mark.parametrize(
    ("disturbance", "where"),
    [
        (Disturbance.QUIET, []),
        (Disturbance.SAME_CORE, HERE[:1]),
        (Disturbance.OTHER_CORE, HERE[-1:]),
        (Disturbance.BURSTS, sorted({HERE[0], HERE[-1]})),
    ],
)
def test_the_cores_that_a_disturbance_names_are_busy_and_no_others(tmp_path, disturbance, where):
    cores = sorted({HERE[0], HERE[-1]})
    places, alive = spinning(tmp_path / "busy.log", disturbance, HERE[0], cores)
    assert places == where
    assert len(alive) == len(where)
    assert not (tmp_path / "busy.log").exists() or (tmp_path / "busy.log").read_text() == ""


def test_on_a_machine_of_one_core_the_other_core_is_the_only_one(tmp_path):
    places, _ = spinning(tmp_path / "busy.log", Disturbance.OTHER_CORE, HERE[0], HERE[:1])
    assert places == HERE[:1]


def test_an_error_within_leaves_nothing_busy(tmp_path):
    pids: set[int] = set()

    def interrupted():
        pids.update(pid for pid in descendants(os.getpid()) if b"work_s" in command_line(pid))
        raise ValueError("within")

    log = tmp_path / "busy.log"
    with (
        Supervisor() as supervisor,
        pytest.raises(ValueError, match="within"),
        disturbed(Disturbance.SAME_CORE, HERE[0], HERE, supervisor, log),
    ):
        interrupted()
    assert pids
    assert survivors(pids) == set()
