"""Use servers that the user runs: found through the environment, checked, and left unchanged."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import ServerError, UsageError
from harness.supervise import Supervisor
from targets.backends import dynamodb, graph, redis

REQUIRED = {
    "DYNAMO_TABLE_NAME": "the DynamoDB table of the core",
    "NEO4J_URI": "the graph, such as bolt://host:7687",
    "NEO4J_USER": "the user of the graph",
    "NEO4J_PASSWORD": "the password of the graph's user",
    "REDIS_ENDPOINT": "Redis as host:port",
}
OPTIONAL = {
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL_DYNAMODB": "",
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_SESSION_TOKEN": "",
    "NEO4J_DATABASE": "",
    "REDIS_PASSWORD": "",
}
_SECRETS = ("NEO4J_PASSWORD", "REDIS_PASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_Ask = Callable[[Mapping[str, str]], None]
_STORES: dict[str, tuple[str, _Ask]] = {
    "DynamoDB": ("AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION and the AWS credentials", dynamodb.ask),
    "The graph": ("NEO4J_URI, NEO4J_USER and NEO4J_PASSWORD", graph.ask),
    "Redis": ("REDIS_ENDPOINT and REDIS_PASSWORD", redis.ask),
}


class ExternalServers:
    """The user's own data stores, with the interface of `EmbeddedServers`.

    Nothing is written to them unless `seed` is set: check `may_seed` before seeding.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, *, seed: bool = False) -> None:
        self.may_seed = seed
        self.start_s: dict[str, float] = {}
        self._given = os.environ if environment is None else environment

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: no process was started here."""

    def start(self, supervisor: Supervisor, folder: Path) -> None:  # noqa: ARG002 - as in EmbeddedServers.
        """Query each store once, without changing anything.

        Raises UsageError that names a missing or malformed variable, ServerError for a store that does not answer.
        """
        environment = self.environment()
        supervisor.secrets.add(*(environment.get(name, "") for name in _SECRETS))
        for store, (variables, ask) in _STORES.items():
            _check(store, variables, ask, environment)

    def environment(self) -> dict[str, str]:
        """Return the checked variables; unset ones without a default are left out."""
        missing = [f"{name} ({meaning})" for name, meaning in REQUIRED.items() if not self._given.get(name)]
        if missing:
            raise UsageError(
                f"`--backends external` needs {', '.join(missing)}",
                where="environment",
                remedy="Set what is missing, or use `--backends embedded`.",
            )
        _check_endpoint(self._given["REDIS_ENDPOINT"])
        defaults = {name: self._given.get(name) or default for name, default in OPTIONAL.items()}
        return {name: self._given[name] for name in REQUIRED} | {k: v for k, v in defaults.items() if v}

    def pids(self) -> dict[str, int]:
        """Return no processes: they are not under our control."""
        return {}


def _check_endpoint(endpoint: str) -> None:
    host, _, port = endpoint.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(
            f"REDIS_ENDPOINT is {endpoint!r}, which is not host:port",
            where="environment",
            remedy="Write it as in localhost:6379.",
        )


def _check(store: str, variables: str, ask: _Ask, environment: Mapping[str, str]) -> None:
    try:
        ask(environment)
    except Exception as error:  # Three drivers, each with its own families of errors.
        raise ServerError(
            f"{store} does not answer: {type(error).__name__}: {error}",
            where="--backends external",
            remedy=f"Check {variables}.",
        ) from error
