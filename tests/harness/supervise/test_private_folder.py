"""Private temporary folders: gone at the end, swept after a SIGKILL, and nothing else is ever swept."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from harness import cli
from harness.errors import HarnessError
from harness.supervise import private_folder, sweep
from harness.supervise.private_folder import PREFIX

HOLD = """import sys
from harness.supervise import private_folder
with private_folder() as folder:
    (folder / "password").write_text("secret")
    print(folder, flush=True)
    sys.stdin.read()
"""
CHURN = """import tempfile
from harness.supervise import private_folder
tempfile.gettempdir()
print("ready", flush=True)
while True:
    with private_folder() as folder:
        (folder / "a").mkdir()
        (folder / "a" / "password").write_text("secret")
"""
SERVERS = """import sys, time
from pathlib import Path
from harness.supervise import Supervisor
from targets.backends.embedded import EmbeddedServers
from targets.backends.redis import RedisServer
with Supervisor() as supervisor, EmbeddedServers([RedisServer]) as servers:
    servers.start(supervisor, Path(sys.argv[1]))
    print("up", flush=True)
    time.sleep(600)
"""


pytestmark = pytest.mark.usefixtures("temporary")


def started(program, *words):
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def killed(process):
    process.send_signal(signal.SIGKILL)
    with process:
        pass


def test_the_folder_is_its_owners_alone_and_gone_whatever_ends_the_block(temporary):
    def interrupted():
        with private_folder() as folder:
            assert folder.stat().st_mode & 0o777 == 0o700
            assert list(folder.iterdir()) == []
            (folder / "file").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(temporary.iterdir()) == []


def test_the_next_command_of_any_kind_removes_what_a_killed_one_left_and_nothing_of_a_living_one(temporary):
    living, its_folder = started(HOLD)
    dead, _ = started(HOLD)
    killed(dead)
    assert len(list(temporary.iterdir())) == 2
    assert cli.main(["list"]) == 0
    assert [str(folder) for folder in temporary.iterdir()] == [its_folder]
    killed(living)
    with private_folder() as mine:
        assert list(temporary.iterdir()) == [mine]


def test_nothing_is_left_after_a_kill_at_any_moment(temporary):
    for number in range(6):
        process, _ = started(CHURN)
        time.sleep(0.0007 * number)
        killed(process)
    sweep()
    assert list(temporary.iterdir()) == []


@pytest.mark.servers
def test_the_passwords_of_servers_are_gone_with_the_next_command(temporary, tmp_path):
    process, said = started(SERVERS, str(tmp_path))
    assert said == "up"
    killed(process)
    assert list(temporary.rglob("redis.conf"))
    sweep()
    assert list(temporary.iterdir()) == []


def test_makers_and_sweepers_at_once_never_take_a_living_folder(temporary):
    done = threading.Event()
    sweepers = [threading.Thread(target=lambda: [sweep() for _ in iter(done.is_set, True)]) for _ in range(2)]
    for thread in sweepers:
        thread.start()
    try:
        for _ in range(100):
            with private_folder() as folder:
                (folder / "file").touch()
                assert (folder / "file").exists()
    finally:
        done.set()
        for thread in sweepers:
            thread.join()
    assert list(temporary.iterdir()) == []


def made(folder, *, mode=0o700, age_s=0.0, inside=()):
    folder.mkdir(mode=mode)
    folder.chmod(mode)
    for name in inside:
        (folder / name).mkdir()
        os.utime(folder / name, (time.time() - age_s,) * 2)
    return folder


def test_a_link_is_neither_followed_nor_removed(temporary, tmp_path):
    home = made(tmp_path / "home")
    (home / "precious").touch()
    links = [
        temporary / name
        for name in (f"{PREFIX}abcdefgh", "harness-session-abcdefgh", "asset-harness-abcdefgh")
    ]
    for link in links:
        link.symlink_to(home)
    inside = made(temporary / f"{PREFIX}ijklmnop")
    (inside / "home").symlink_to(home)
    assert sweep() == [inside]
    assert (home / "precious").exists()
    assert all(link.is_symlink() for link in links)


def test_what_is_not_surely_ours_stays(temporary, monkeypatch):
    day_s = 25 * 3600.0
    (temporary / f"{PREFIX}filefile").touch()
    made(temporary / f"{PREFIX}abcdefgh", mode=0o755)
    made(temporary / f"{PREFIX}of-the-user")
    made(temporary / "asset-harness-checkout", age_s=day_s, inside=["0", "harness"])
    made(temporary / "asset-harness-livelive", age_s=60.0, inside=["0", "1"])
    made(temporary / "asset-harness-emptyemp")
    in_use = made(temporary / "asset-harness-inuse000", age_s=day_s, inside=["0"])
    made(temporary / "harness-session-nolock00")
    monkeypatch.chdir(in_use / "0")
    before = sorted(temporary.iterdir())
    assert sweep() == []
    assert sorted(temporary.iterdir()) == before


def test_a_folder_of_another_user_stays(temporary, monkeypatch):
    made(temporary / f"{PREFIX}abcdefgh")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert sweep() == []


def test_what_earlier_versions_left_is_removed_too(temporary):
    servers = made(temporary / "asset-harness-abcd_123", age_s=25 * 3600.0, inside=["0", "1", "2"])
    session = made(temporary / "harness-session-abcd_123")
    (session / "lock").touch()
    assert sorted(sweep()) == sorted([servers, session])
    assert list(temporary.iterdir()) == []


def test_a_lock_that_is_a_pipe_hangs_nobody(temporary):
    session = made(temporary / "harness-session-abcd_123")
    os.mkfifo(session / "lock")
    sweep()


def test_no_place_for_the_folder_is_an_error(temporary, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "missing"))
    with pytest.raises(HarnessError, match="cannot be made"), private_folder():
        pass
