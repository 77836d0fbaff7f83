"""The real servers start side by side, answer their official drivers, and leave nothing behind."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import neo4j.exceptions
import pytest
import redis.exceptions

from harness.errors import ServerError
from harness.serving.listening import free_port
from harness.supervise import Supervisor, sweep
from targets.backends import dynamodb, graph
from targets.backends import redis as redis_store
from targets.backends.dynamodb import DynamoServer
from targets.backends.embedded import EmbeddedServers
from targets.backends.graph import GraphServer
from targets.backends.redis import RedisServer
from tests.support.processes import descendants, survivors

pytestmark = pytest.mark.servers

VARIABLES = {
    "DYNAMO_TABLE_NAME",
    "AWS_REGION",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "NEO4J_URI",
    "NEO4J_USER",
    "NEO4J_PASSWORD",
    "REDIS_ENDPOINT",
    "REDIS_PASSWORD",
}


def test_all_servers_answer_and_the_core_finds_them_through_the_environment(servers):
    environment = servers.environment()
    assert environment.keys() >= VARIABLES
    dynamodb.ask(environment)
    graph.ask(environment)
    redis_store.ask(environment)
    assert servers.start_s.keys() == {"dynamodb", "neo4j", "redis"}


def test_servers_listen_on_the_loopback_address_only(servers):
    listening = {}
    for pid in servers.pids().values():
        sockets = socket_links(pid)
        for table in ("tcp", "tcp6"):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    listening.setdefault(pid, set()).add(fields[1].split(":")[0])
    assert listening.keys() == set(servers.pids().values())
    assert set().union(*listening.values()) <= {"0100007F", "0000000000000000FFFF00000100007F"}


def socket_links(pid):
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(os.readlink(link))
        except FileNotFoundError:
            continue
    return found


def test_a_wrong_password_is_refused_by_redis(servers):
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis_store.ask(servers.environment() | {"REDIS_PASSWORD": "wrong"})
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis_store.ask(servers.environment() | {"REDIS_PASSWORD": ""})


def test_a_wrong_password_is_refused_by_the_graph(servers):
    with pytest.raises(neo4j.exceptions.AuthError):
        graph.ask(servers.environment() | {"NEO4J_PASSWORD": "wrong"})


def test_passwords_are_not_in_the_arguments_nor_in_the_logs(servers):
    names = ("NEO4J_PASSWORD", "REDIS_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    secrets = {servers.environment()[name] for name in names}
    for pid in servers.pids().values():
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        assert not any(secret in argv for secret in secrets)
    for started in servers._started:
        assert not any(secret in started.log.read_text() for secret in secrets)


def test_files_with_passwords_are_private(servers):
    folder = servers._private
    assert folder.stat().st_mode & 0o077 == 0
    for path in (*folder.rglob("redis.conf"), *folder.rglob("password")):
        assert path.stat().st_mode & 0o077 == 0


def test_the_graphs_http_port_shows_nothing_without_the_password(servers):
    argv = Path(f"/proc/{servers.pids()['neo4j']}/cmdline").read_text().split("\0")
    (port,) = (word.partition("=")[2] for word in argv if "httpIncomingPort" in word)
    asked = {
        ("GET", "/"): {404},
        ("GET", "/index.html"): {404},
        ("GET", "/prometheus"): {404},
        ("GET", "/api/v1/server"): {401},
        ("GET", "/api/v1/databases"): {401},
        ("GET", "/api/v1/openapi.json"): {401},
        ("POST", "/api/v1/query/assets"): {401},
        ("POST", "/api/v1/command/assets"): {401},
        ("POST", "/api/v1/server"): {401},
        ("POST", "/api/v1/mcp"): {401},
        ("GET", "/ws"): {401},
    }
    for (method, path), allowed in asked.items():
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
        connection.request(method, path, headers={"Origin": "http://a.page"})
        answer = connection.getresponse()
        assert answer.status in allowed, (method, path)
        assert "Access-Control-Allow-Origin" not in answer.headers
        connection.close()


def test_no_file_of_the_graphs_java_is_where_others_look(servers):
    pid = servers.pids()["neo4j"]
    assert not list(Path("/tmp").glob(f"hsperfdata_*/{pid}"))


def test_passwords_are_new_for_each_start(tmp_path):
    first, second = (RedisServer(tmp_path).environment()["REDIS_PASSWORD"] for _ in range(2))
    assert first != second


def start_redis_only(folder, **options):
    with Supervisor() as supervisor, EmbeddedServers([RedisServer], **options) as running:
        running.start(supervisor, folder)
        redis_store.ask(running.environment())
        return running, running.pids()


def test_servers_and_their_private_folder_are_gone_after_the_block(tmp_path):
    running, pids = start_redis_only(tmp_path)
    assert not survivors(pids.values())
    assert not running._private.exists()


def test_servers_are_gone_after_an_exception(tmp_path):
    pids = {}
    with pytest.raises(RuntimeError), Supervisor() as supervisor, EmbeddedServers([RedisServer]) as running:  # noqa: PT012
        running.start(supervisor, tmp_path)
        pids = running.pids()
        raise RuntimeError
    assert pids
    assert not survivors(pids.values())


HOST = """
import sys, time
from pathlib import Path
from harness.supervise import Supervisor, termination_as_exception
from targets.backends.embedded import EmbeddedServers
from targets.backends.redis import RedisServer
made = EmbeddedServers([RedisServer]) if sys.argv[2:] else EmbeddedServers()
with termination_as_exception(), Supervisor() as supervisor, made as servers:
    servers.start(supervisor, Path(sys.argv[1]))
    print(servers._private, *servers.pids().values(), flush=True)
    time.sleep(600)
"""


# SIGTERM ends the block as SIGINT does, with an exception: one server shows it.
@pytest.mark.parametrize(
    ("number", "words", "count"),
    [(signal.SIGINT, [], 3), (signal.SIGTERM, ["redis alone"], 1), (signal.SIGKILL, [], 3)],
)
def test_no_server_is_left_alive_after_the_supervising_process_gets(tmp_path, number, words, count):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", textwrap.dedent(HOST), tmp_path, *words]
    with subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0
    ) as process:
        try:
            private, *pids = process.stdout.readline().decode().split()
            everything = descendants(process.pid)
            assert len(pids) == count
            assert everything >= {int(pid) for pid in pids}
            process.send_signal(number)
            process.wait(20)
        finally:
            process.kill()
    assert not survivors(everything)
    # Nobody is left to remove the folder after SIGKILL: the next command does.
    assert Path(private).exists() == (number is signal.SIGKILL)
    sweep()
    assert not Path(private).exists()


@pytest.fixture
def taken_port():
    with socket.socket() as blocker:
        blocker.bind(("127.0.0.1", 0))
        blocker.listen()
        yield blocker.getsockname()[1]


@pytest.mark.parametrize("make", [RedisServer, DynamoServer, GraphServer])
def test_a_server_whose_port_is_taken_gets_another_one(tmp_path, taken_port, make):
    offered = [taken_port]

    def find_port():
        return offered.pop() if offered else free_port()

    with Supervisor() as supervisor, EmbeddedServers([make], find_port=find_port) as running:
        running.start(supervisor, tmp_path)
        assert str(taken_port) not in "".join(running.environment().values())
        assert len(list(tmp_path.glob("*.1.log"))) == 1


def test_a_port_that_is_always_taken_is_an_error(tmp_path, taken_port):
    with pytest.raises(ServerError, match="Redis found its port taken 3 times"):
        start_redis_only(tmp_path, find_port=lambda: taken_port)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["redis.1.log", "redis.2.log", "redis.log"]


def test_a_server_that_dies_during_its_start_shows_the_tail_of_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(
        RedisServer, "_config", lambda self: f"requirepass {self._password}\nno-such-option\n"
    )
    with pytest.raises(ServerError, match=r"Redis ended with exit code 1 during its start") as caught:
        start_redis_only(tmp_path)
    assert "no-such-option" in str(caught.value)


def test_a_server_that_never_answers_is_an_error_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(RedisServer, "is_ready", lambda self: False)
    with pytest.raises(ServerError, match=r"Redis was not ready after 0\.2 s"):
        start_redis_only(tmp_path, timeout_s=0.2)
