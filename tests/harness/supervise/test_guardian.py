"""Whatever ends the supervising process, its children end too: the guardian sees to it. Every process here is real."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from harness.supervise import Supervisor
from harness.supervise.guardian import guarded_at_end
from tests.support.processes import FAMILY, SLEEP, descendants, grandchild_of, survivors


def test_a_supervisor_leaves_no_guardian_behind(tmp_path):
    before = descendants(os.getpid())
    with Supervisor() as supervisor:
        supervisor.start("sleeper", SLEEP, log=tmp_path / "log")
        assert len(descendants(os.getpid()) - before) == 2
    assert descendants(os.getpid()) == before


HOST = """
import subprocess, sys, time
from pathlib import Path
from harness.supervise import Supervisor, termination_as_exception
folder = Path(sys.argv[1])
with termination_as_exception(), Supervisor() as supervisor:
    supervisor.start("sleeper", ["sleep", "600"], log=folder / "sleeper")
    supervisor.start("family", {family!r}, log=folder / "family")
    (folder / "started").touch()
    time.sleep(600)
"""


@pytest.fixture
def host(tmp_path):
    """A process of its own that supervises two children and a grandchild; yields it and all their pids."""
    script = tmp_path / "host.py"
    script.write_text(textwrap.dedent(HOST.format(family=FAMILY)))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, script, tmp_path], env=env, stderr=subprocess.PIPE, process_group=0
    ) as process:
        try:
            grandchild = grandchild_of(tmp_path / "family")
            deadline_s = time.monotonic() + 10
            while not (tmp_path / "started").exists() and time.monotonic() < deadline_s:
                time.sleep(0.01)
            pids = descendants(process.pid)
            assert grandchild in pids
            assert len(pids) == 4  # Sleeper, family, grandchild, guardian.
            yield process, pids
        finally:
            process.kill()


def kill_guardian(pids):
    (guardian,) = [pid for pid in pids if b"guardian.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(guardian, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_alive_after_the_supervising_process_gets(host, number):
    process, pids = host
    process.send_signal(number)
    process.wait(10)
    assert not survivors(pids)


def test_a_supervisor_whose_guardian_was_killed_still_ends_its_children(host):
    process, pids = host
    kill_guardian(pids)
    process.terminate()
    process.wait(10)
    assert not survivors(pids)


def test_children_die_with_the_supervising_process_even_without_a_guardian(host, tmp_path):
    process, pids = host
    grandchild = grandchild_of(tmp_path / "family")
    kill_guardian(pids)
    process.kill()
    process.wait(10)
    try:
        assert not survivors(pids - {grandchild})
    finally:
        os.kill(grandchild, signal.SIGKILL)


def test_the_guardian_kills_only_groups_that_were_not_released():
    assert guarded_at_end(["+10\n", "+11\n", "-10\n", "-12\n"]) == {11}


def test_the_guardian_kills_only_marks_that_were_not_released():
    assert guarded_at_end(["+10\n", "+A=b\n", "+C=d\n", "-A=b\n"]) == {10, "C=d"}


DAEMON = ["sh", "-c", "setsid sleep 600 & echo grandchild $! >&2; wait"]


def test_a_process_that_left_the_group_of_a_marked_child_ends_with_it(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("server", DAEMON, log=tmp_path / "log", marked=True)
        daemon = grandchild_of(tmp_path / "log")
        assert {child.pid, daemon} <= child.pids()
        child.stop()
        assert not survivors({daemon})


def test_a_process_that_left_the_group_of_a_marked_child_ends_with_a_killed_supervisor(tmp_path):
    script = tmp_path / "host.py"
    script.write_text(
        "import sys, time\nfrom pathlib import Path\nfrom harness.supervise import Supervisor\n"
        f"with Supervisor() as supervisor:\n    supervisor.start('server', {DAEMON!r}, log=Path(sys.argv[1]), marked=True)\n"
        "    time.sleep(600)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, script, tmp_path / "log"], env=env) as process:
        pids = {grandchild_of(tmp_path / "log"), *descendants(process.pid)}
        process.kill()
        process.wait(10)
    assert not survivors(pids)


def test_the_guardian_is_told_of_the_start_and_of_the_end_of_each_group(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(Supervisor, "_tell_guardian", lambda _, line: told.append(line))
    with Supervisor() as supervisor:
        child = supervisor.start("brief", ["true"], log=tmp_path / "log")
        child.wait(10)
        assert told == [f"+{child.pid}\n", f"-{child.pid}\n"]
        child.stop()
    assert len(told) == 2
