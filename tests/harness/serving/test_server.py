"""A server's life: started on a free port, waited for, ended with all that it started. Every process here is real."""

import http.server
import os
import socket
import threading
import urllib.request
from pathlib import Path

import pytest

from harness.errors import TargetError
from harness.policy.servers import read_servers
from harness.serving import server as serving
from harness.serving.server import Place, Server, how_lost
from harness.supervise import Supervisor
from tests.support.little_servers import plain_text, server_text
from tests.support.processes import grandchild_of, is_alive, survivors


@pytest.fixture
def supervisor():
    with Supervisor() as found:
        yield found


def made(tree: Path, command="{python} server.py {port}", **settings) -> Server:
    return Server(
        "shop", read_servers({"shop": {"command": command, **settings}}, "here")["shop"], Place(tree)
    )


def written(tree: Path, work="", before="") -> Path:
    (tree / "server.py").write_text(server_text(work, before))
    return tree


def refused(server: Server, supervisor: Supervisor, tmp_path: Path) -> str:
    with pytest.raises(TargetError) as caught, server.running(supervisor, tmp_path / "log"):
        pass
    assert not supervisor.running()
    return str(caught.value)


@pytest.mark.parametrize("ready", ["tcp", "/health"])
def test_a_server_answers_while_it_runs_and_is_gone_afterwards(tmp_path, supervisor, ready):
    with made(written(tmp_path), ready=ready).running(supervisor, tmp_path / "log") as running:
        assert urllib.request.urlopen(running.url).read() == b"ok"
        assert running.ready_ns > 0
        assert how_lost(running) is None
    assert not is_alive(running.child.pid)


def test_port_tree_python_and_secrets_are_filled_in(tmp_path, supervisor, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "hidden-word-1234")
    before = "print(sys.argv[1] == os.environ['PORT'], os.getcwd() == os.environ['TREE'], os.environ['TOKEN'], flush=True)"
    environment = {"PORT": "{port}", "TREE": "{tree}", "TOKEN": "${SHOP_TOKEN}"}
    server = made(written(tmp_path, before=before), environment=environment)
    with server.running(supervisor, tmp_path / "log") as running:
        assert "True True" in running.child.log_tail()
    assert "hidden-word" not in (tmp_path / "log").read_text()


def test_a_missing_variable_is_named(tmp_path, supervisor):
    server = made(written(tmp_path), environment={"TOKEN": "${NOT_SET_ANYWHERE}"})
    assert "needs variable NOT_SET_ANYWHERE" in refused(server, supervisor, tmp_path)


def test_a_server_that_ends_at_once_is_quoted(tmp_path, supervisor):
    server = made(written(tmp_path, before="sys.exit('no database here')"))
    assert "ended with exit code 1 before it was ready" in (said := refused(server, supervisor, tmp_path))
    assert "no database here" in said


def test_a_server_that_goes_to_the_background_is_told_to_stay(tmp_path, supervisor):
    server = made(tmp_path, "sh -c 'sleep 600 & echo grandchild $! >&2' {port}")
    assert "its command must stay in the foreground" in refused(server, supervisor, tmp_path)
    assert not survivors({grandchild_of(tmp_path / "log")})


class Unwell(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)

    def log_message(self, *_):
        pass


def test_a_health_check_that_never_succeeds_is_given_up_with_its_last_answer(
    tmp_path, supervisor, monkeypatch
):
    with http.server.HTTPServer(("127.0.0.1", 0), Unwell) as unwell:
        threading.Thread(target=unwell.serve_forever).start()
        # The answers are there before the server is started, however busy the machine is.
        monkeypatch.setattr(serving, "free_port", lambda: unwell.server_port)
        server = made(tmp_path, "sleep 600 {port}", ready="/health", **{"ready-within": "300ms"})
        said = refused(server, supervisor, tmp_path)
        unwell.shutdown()
    assert "was not ready within 300ms (GET /health on port" in said
    assert "its last answer had the status 503" in said


def test_a_server_on_another_port_is_found(tmp_path, supervisor):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "server.py").write_text(plain_text(before=f"sys.argv[1] = '{port}'"))
    said = refused(made(tmp_path, **{"ready-within": "3s"}), supervisor, tmp_path)
    assert f"it refused every connection); it listens on port {port} instead" in said


def test_a_taken_port_is_tried_again_with_another_one(tmp_path, supervisor, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], serving.free_port()])
        monkeypatch.setattr(serving, "free_port", lambda: next(ports))
        with made(written(tmp_path), ready="/").running(supervisor, tmp_path / "log") as running:
            assert running.port != taken.getsockname()[1]


def test_a_port_that_is_always_taken_is_named(tmp_path, supervisor):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        before = f"sys.argv[1] = '{taken.getsockname()[1]}'"
        said = refused(made(written(tmp_path, before=before)), supervisor, tmp_path)
    assert "found its port taken 3 times" in said
    assert "Address already in use" in said


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program-at-all {port}", "program 'no-such-program-at-all' not found"),
        ("./missing {port}", "there is no program ./missing"),
        ("./server.py {port}", "./server.py is not executable"),
    ],
)
def test_a_program_that_cannot_run_is_named(tmp_path, supervisor, command, words):
    assert words in refused(made(written(tmp_path), command), supervisor, tmp_path)


def test_a_relative_program_is_that_of_the_tree(tmp_path, supervisor, monkeypatch):
    tree, other = tmp_path / "tree", tmp_path / "other"
    for folder in (tree, other):
        folder.mkdir()
        written(folder, f"body = b'{folder.name}'")
        (folder / "serve").write_text('#!/bin/sh\nexec "$1" server.py "$2"\n')
        (folder / "serve").chmod(0o755)
    monkeypatch.chdir(other)
    with made(tree, "./serve {python} {port}").running(supervisor, tmp_path / "log") as running:
        assert urllib.request.urlopen(running.url).read() == b"tree"


def test_a_daemon_that_the_server_started_ends_with_it(tmp_path, supervisor):
    before = (
        "import subprocess; print('grandchild', subprocess.Popen(['setsid', 'sleep', '600']).pid, flush=True)"
    )
    with made(written(tmp_path, before=before)).running(supervisor, tmp_path / "log") as running:
        daemon = grandchild_of(tmp_path / "log")
        assert {running.child.pid, daemon} <= running.child.pids()
    assert not survivors({daemon})


def test_the_signal_of_the_settings_ends_the_server(tmp_path, supervisor):
    before = (
        "import signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGUSR1, lambda *_: os._exit(7))"
    )
    server = made(written(tmp_path, before=before), stop={"signal": "SIGUSR1", "grace": "1h"})
    with server.running(supervisor, tmp_path / "log") as running:
        pass
    assert running.child.poll() == 7


def test_a_server_that_dies_is_quoted(tmp_path, supervisor):
    with made(written(tmp_path, "os.write(2, b'out of cheese'); os._exit(3)")).running(
        supervisor, tmp_path / "log"
    ) as running:
        with pytest.raises(OSError):
            urllib.request.urlopen(running.url, timeout=10)
        running.child.wait(10)
        assert (
            how_lost(running)
            == "Server 'shop' ended with exit code 3 during the run; its last output: out of cheese"
        )


def test_programs_beside_the_interpreter_are_found_without_activating_it(tmp_path, supervisor):
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.symlink_to(Path(os.path.realpath(serving.sys.executable)))
    (tmp_path / "bin" / "shop-serve").write_text('#!/bin/sh\nexec python3 server.py "$1"\n')
    (tmp_path / "bin" / "shop-serve").chmod(0o755)
    server = made(written(tmp_path), "shop-serve {port}")
    server = Server(server.name, server.settings, Place(tmp_path, str(python)))
    with server.running(supervisor, tmp_path / "log"):
        pass
