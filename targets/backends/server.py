"""The common parts of the embedded servers."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from harness.errors import ServerError
from harness.serving.listening import free_port
from harness.supervise import Child, Supervisor
from targets.backends.ports import listens

INSTALL_REMEDY = (
    'Install the servers with `pip install "asset-harness[embedded]"`, '
    "or use `--backends memory` or `--backends external`."
)


class Server(Protocol):
    """A real server that can be started as a child and queried by its official driver."""

    name: str
    """Key of the store: `dynamodb`, `neo4j` or `redis`."""
    what: str
    """Name of the store in a sentence."""

    def start(self, supervisor: Supervisor, log: Path) -> Child:
        """Start it on a new free port of 127.0.0.1 and return at once; called again if the port was taken.

        Raises ServerError if its program is missing.
        """

    def is_ready(self) -> bool:
        """Return True if it answers a real query through its official driver, within two seconds at most."""

    def environment(self) -> dict[str, str]:
        """Return the variables with which the core finds it."""


class LocalServer:
    """The common parts of a started server: a private folder, a port, a password, and its query for readiness."""

    name: str
    what: str
    refusals: tuple[type[Exception], ...]
    """Errors of its driver while it does not answer."""

    def __init__(self, private: Path, find_port: Callable[[], int] = free_port) -> None:
        self._private = private
        self._find_port = find_port
        self._password = new_password()
        self._port = 0
        self._pid = 0

    def is_ready(self) -> bool:
        """See `Server.is_ready`."""
        if not listens(self._pid, self._port):
            return False
        try:
            self._ask()
        except self.refusals:
            return False
        return True

    def _ask(self) -> None:
        """Send a real query; raises an error in `refusals` on failure."""
        raise NotImplementedError


class MakesServer(Protocol):
    """Make a server that keeps its data in a private folder and takes its ports from `find_port`."""

    def __call__(self, private: Path, find_port: Callable[[], int]) -> Server:
        """Return the server, not started yet."""


class Reader(Protocol):
    """The basic read of a store, any number of times."""

    what: str
    """Description of the read, for a report."""

    def open(self) -> AbstractContextManager[Callable[[], object]]:
        """Yield a function that reads once and waits for the response; one per thread."""

    def close(self) -> None:
        """Close the connections."""


class MakesReader(Protocol):
    """Make the reader of a store found through the environment."""

    def __call__(self, environment: Mapping[str, str]) -> Reader:
        """Return the reader, connected; raises the driver's error if the store does not answer."""


def new_password() -> str:
    """Return a random password that needs no quoting anywhere."""
    return secrets.token_hex(16)


def write_private(path: Path, text: str) -> Path:
    """Write a file that only its owner can read from the start."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


def require(environment: Mapping[str, str], variable: str) -> str:
    """Return a required variable; raises ServerError that names it if it is missing."""
    value = environment.get(variable)
    if not value:
        raise ServerError(f"{variable} is not set", remedy="Start the servers first, or set it.")
    return value
