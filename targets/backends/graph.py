"""The graph: ArcadeDB's process with its Bolt plugin, and its basic read through the official Neo4j driver."""

import contextlib
import importlib.util
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import neo4j
from neo4j.exceptions import DriverError, Neo4jError

from harness.errors import ServerError
from harness.serving.listening import LOOPBACK
from harness.supervise import Child, Supervisor
from targets.backends.server import INSTALL_REMEDY, LocalServer, require, write_private

DATABASE = "assets"
USER = "root"
TIMEOUT_S = 2.0

_FIND_ASSET = "MATCH (a:Asset) RETURN a.tenant AS tenant, a.id AS id LIMIT 1"
_ONE_HOP = "MATCH (a:Asset {tenant: $tenant, id: $id})-[:HAS_RISK]->(r:Risk) RETURN r"
_NOTHING = "RETURN 1 AS one"
# Without the host options the server would listen on all addresses.
_PROPERTIES = {
    "server.plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
    "server.httpIncomingHost": LOOPBACK,
    # Close the web console, which every user of the machine could open; all else on that port requires the password.
    "server.mode": "production",
    # Undo another effect of that mode: the data are temporary, so nothing needs to wait for the disk.
    "txWalFlush": 0,
    "bolt.host": LOOPBACK,
    "server.defaultDatabases": f"{DATABASE}[{USER}]",
}
# Stability takes precedence over speed: with the first compiler only, the rate of a one-hop read stays within 2 % from
# the first second (5,700 to 5,950/s). With both compilers it rose from 4,500 to 7,500/s over 12 s, and their
# threads used up to a whole processor of those to be measured. One collector thread, for the same reason.
_JVM = (
    # Otherwise its arguments stay in a file in /tmp while it runs, and after a SIGKILL until the next Java starts.
    "-XX:-UsePerfData",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xms256m",
    "-Xmx512m",
    "--add-modules",
    "jdk.incubator.vector",
    "--enable-native-access=ALL-UNNAMED",
    "--add-opens",
    "java.base/java.nio.channels.spi=ALL-UNNAMED",
)


class GraphServer(LocalServer):
    """ArcadeDB from the package `arcadedb-embedded`, which brings its own Java."""

    name = "neo4j"
    what = "The graph server (ArcadeDB)"
    refusals = (DriverError, Neo4jError)

    def start(self, supervisor: Supervisor, log: Path) -> Child:
        """See `Server.start`. Its data are in the private folder, empty at first."""
        home = find_arcadedb()
        supervisor.secrets.add(self._password)
        self._port = self._find_port()
        shutil.rmtree(self._private, ignore_errors=True)
        self._private.mkdir(parents=True)
        child = supervisor.start(self.name, self._argv(home), log=log, cwd=self._private)
        self._pid = child.pid
        return child

    def _ask(self) -> None:
        ask(self.environment())

    def environment(self) -> dict[str, str]:
        """See `Server.environment`."""
        return {
            "NEO4J_URI": f"bolt://{LOOPBACK}:{self._port}",
            "NEO4J_USER": USER,
            "NEO4J_PASSWORD": self._password,
        }

    def _argv(self, home: Path) -> list[str]:
        password = write_private(self._private / "password", self._password)
        properties = {
            **_PROPERTIES,
            "server.rootPath": self._private,
            "server.databaseDirectory": self._private / "databases",
            "server.rootPasswordPath": password,
            "server.httpIncomingPort": self._find_port(),
            "bolt.port": self._port,
        }
        return [
            str(home / "jre" / "bin" / "java"),
            *_JVM,
            f"-Djava.io.tmpdir={self._private}",
            *("-cp", str(home / "jars" / "*")),
            *(f"-Darcadedb.{name}={value}" for name, value in properties.items()),
            "com.arcadedb.server.ArcadeDBServer",
        ]


def find_arcadedb() -> Path:
    """Return the folder of ArcadeDB's jars and Java; raises ServerError if it is not installed.

    The package is not imported: that would start a Java virtual machine inside this process.
    """
    spec = importlib.util.find_spec("arcadedb_embedded")
    if spec is None or spec.origin is None:
        raise ServerError(
            "There is no graph server: the package arcadedb-embedded is missing", remedy=INSTALL_REMEDY
        )
    return Path(spec.origin).parent


def connect(environment: Mapping[str, str]) -> neo4j.Driver:
    """Return a driver that fails instead of retrying."""
    return neo4j.GraphDatabase.driver(
        require(environment, "NEO4J_URI"),
        auth=(require(environment, "NEO4J_USER"), require(environment, "NEO4J_PASSWORD")),
        connection_timeout=TIMEOUT_S,
        connection_acquisition_timeout=TIMEOUT_S,
        max_transaction_retry_time=0,
    )


def ask(environment: Mapping[str, str]) -> None:
    """Send one query that changes nothing; raises the driver's error."""
    with connect(environment) as driver, driver.session() as session:
        session.run(_NOTHING).consume()


class GraphReader:
    """Reads the risks of one asset, an indexed one-hop read; on an empty graph the query touches no data."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._driver = connect(environment)
        with self._driver.session() as session:
            asset = session.run(_FIND_ASSET).single()
        self._query = _ONE_HOP if asset else _NOTHING
        self._parameters: dict[str, str] = asset.data() if asset else {}
        read = "the risks of one asset" if asset else f"`{_NOTHING}` on an empty graph"
        self.what = f"{read} (neo4j driver {neo4j.__version__})"

    @contextlib.contextmanager
    def open(self) -> Iterator[Callable[[], object]]:
        """See `Reader.open`."""
        with self._driver.session() as session:
            yield lambda: session.run(self._query, self._parameters).consume()

    def close(self) -> None:
        """See `Reader.close`."""
        self._driver.close()
