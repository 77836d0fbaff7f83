"""Profiles of a server: all of its processes under one root, and the one that works."""

import subprocess
import sys

import pytest

from harness.policy.servers import ServerSettings
from harness.processes.subject import Subject
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import CHILD, CHILDREN, DRIVER, OUTSIDE
from harness.profiling.runs import record_memory, record_wait
from harness.profiling.served import OPERATION, busiest, of_server, requests_of
from harness.serving.server import Server
from harness.supervise import Supervisor
from tests.support.load_session import PLAN

ROOT = f"operation:{OPERATION}"


def test_stacks_of_every_process_stand_under_one_root_and_none_is_lost():
    profile = Profile(
        "samples",
        {
            (OUTSIDE, "main (shop.py)", "get (shop.py)"): 3,
            (CHILDREN, f"{CHILD}forked", "main (shop.py)", "get (shop.py)"): 4,
            (CHILDREN, f"{CHILD}python -c", "spawn (multiprocessing/spawn.py)", "get (shop.py)"): 5,
            (DRIVER, "run (harness/own.py)"): 1,
        },
        {"get (shop.py)": 7},
    )
    found = of_server(profile)
    assert found.stacks == {
        (ROOT, "main (shop.py)", "get (shop.py)"): 7,
        (ROOT, "spawn (multiprocessing/spawn.py)", "get (shop.py)"): 5,
        (ROOT, "run (harness/own.py)"): 1,
    }
    assert found.total == profile.total
    assert found.lines == profile.lines


def test_the_requests_behind_them_are_all_requests():
    assert requests_of({"GET /a": 3, "GET /b": 4}) == {OPERATION: 7}


def test_the_busiest_process_of_a_tree_is_the_one_that_worked():
    work = (
        "import time, sys\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\nsys.stdin.read()"
    )
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {work!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "done\n"
        assert busiest(process.pid) != process.pid
        process.communicate()
    assert busiest(2**22 + 1) == 2**22 + 1, "a process that is gone has no other"


@pytest.mark.parametrize("record", [record_memory, lambda *args: record_wait(*args, lambda _s: None)])
def test_what_can_be_seen_only_from_within_is_named(tmp_path, record):
    subject = Subject("serve:shop", {}, server=Server("shop", ServerSettings(command="never started {port}")))
    with Supervisor() as supervisor:
        profile = record(supervisor, subject, PLAN, tmp_path / "profile")
    assert profile.file is None
    assert "server" in profile.reason
