"""Dynalite, an independent implementation of DynamoDB, in the place of moto."""

import os

from harness.serving.listening import LOOPBACK
from targets.backends.dynamodb import DynamoServer
from tests.support.node import node_modules


class DynaliteServer(DynamoServer):
    """Dynalite with its tables in memory. It takes any key: only requests without one are refused."""

    what = "DynamoDB (dynalite)"

    def start(self, supervisor, log):
        """See `Server.start`."""
        supervisor.secrets.add(self._key_id, self._password)
        self._port = self._find_port()
        self._private.mkdir(parents=True, exist_ok=True)
        program = node_modules() / "dynalite" / "cli.js"
        quick = [f"--{what}TableMs=0" for what in ("create", "delete", "update")]
        argv = ["node", str(program), f"--host={LOOPBACK}", f"--port={self._port}", *quick]
        child = supervisor.start(self.name, argv, log=log, env={**os.environ}, cwd=self._private)
        self._pid = child.pid
        return child


class InPlaceOfMoto:
    """The embedded servers with dynalite for their DynamoDB."""

    may_seed = True

    def __init__(self, embedded, dynalite):
        self._embedded = embedded
        self._dynalite = dynalite

    def environment(self):
        """See `EmbeddedServers.environment`."""
        return {**self._embedded.environment(), **self._dynalite.environment()}

    def pids(self):
        """See `EmbeddedServers.pids`."""
        return {**self._embedded.pids(), **self._dynalite.pids()}
