"""Read `[tool.harness.servers.NAME]`: how the harness starts a server, knows that it is ready, and stops it.

Every refusal is a `UsageError` that names the server and the setting.
"""

import difflib
import re
import shlex
from collections.abc import Iterator, Mapping
from signal import Signals
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.units import parse_duration_s

PORT = "{port}"
TCP = "tcp"
_SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGKILL")
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_EXAMPLE = 'Write command = "python server.py {port}"'


class Stop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signal that asks the server's first process to end, and the time until all of its processes are killed."""

    signal: str = "SIGTERM"
    grace: str = "5s"

    @property
    def number(self) -> int:
        """The number of the signal."""
        return int(Signals[self.signal])

    @property
    def grace_s(self) -> float:
        """The time, in seconds."""
        return parse_duration_s(self.grace)


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A server of the project.

    `{port}`, `{tree}` (the folder of the measured code) and `{python}` (its interpreter) are filled in, in the words of `command` and in
    the values of `environment`, and there also `${NAME}` from the environment of the harness. `ready` is a path that is
    asked for until it answers with a status below 400, or `tcp`: until the port accepts a connection.
    """

    command: str | list[str]
    ready: str = TCP
    ready_within: str = "60s"
    environment: dict[str, str] = {}
    stop: Stop = Stop()

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command, without a shell."""
        return tuple(shlex.split(self.command) if isinstance(self.command, str) else self.command)

    @property
    def shown(self) -> str:
        """The command as text."""
        return self.command if isinstance(self.command, str) else shlex.join(self.command)

    @property
    def ready_within_s(self) -> float:
        """The longest time to get ready, in seconds."""
        return parse_duration_s(self.ready_within)


def read_servers(declared: Any, where: str) -> dict[str, ServerSettings]:
    """Return the servers of the table `servers` by name."""
    if not isinstance(declared, dict) or not all(isinstance(one, dict) for one in declared.values()):
        raise UsageError(
            "servers is not a table of tables", where=where, remedy="Write [tool.harness.servers.NAME]"
        )
    for name in declared:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"'{name}' is no name for a server",
                where=where,
                remedy="Use letters, digits, hyphens, dots and underscores",
            )
    return {name: _read(name, table, where) for name, table in declared.items()}


def _read(name: str, table: Mapping[str, Any], where: str) -> ServerSettings:
    table = {key.replace("_", "-"): value for key, value in table.items()}
    for prefix, given, kind in (("", table, ServerSettings), ("stop.", table.get("stop", {}), Stop)):
        for key in given if isinstance(given, dict) else ():
            _refuse_unknown(
                name, f"{prefix}{key}", [f"{prefix}{known}" for known in kind.__struct_encode_fields__], where
            )
    if "command" not in table:
        raise UsageError(f"Server '{name}' has no command", where=where, remedy=_EXAMPLE)
    try:
        settings = msgspec.convert(table, ServerSettings)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"Server '{name}' is not valid: {str(error).replace('`$.', '`')}", where=where
        ) from error
    for complaint, remedy in _complaints(settings):
        raise UsageError(f"Server '{name}': {complaint}", where=where, remedy=remedy)
    return settings


def _refuse_unknown(name: str, key: str, known: list[str], where: str) -> None:
    if key not in known:
        near = difflib.get_close_matches(key, known, 1, 0.5)
        remedy = f"Did you mean '{near[0]}'?" if near else f"Settings: {', '.join(known)}"
        raise UsageError(f"Server '{name}' has no setting '{key}'", where=where, remedy=remedy)


def _complaints(settings: ServerSettings) -> Iterator[tuple[str, str]]:
    """Yield (complaint, remedy) about values that cannot be used."""
    try:
        words = settings.words
    except ValueError as error:
        yield (
            f"its command cannot be split into words ({error})",
            "Close its quotes, or write a list of words",
        )
        return
    if not words or not words[0]:
        yield "its command is empty", _EXAMPLE
    elif not any(PORT in text for text in (*words, *settings.environment.values())):
        yield f"neither its command nor its environment has {PORT}, the port to listen on", _EXAMPLE
    if settings.ready != TCP and not settings.ready.startswith("/"):
        yield f"ready is '{settings.ready}', neither {TCP} nor a path", 'Write ready = "/health"'
    if settings.stop.signal not in _SIGNALS:
        yield f"stop.signal is '{settings.stop.signal}'", f"Choose from: {', '.join(_SIGNALS)}"
    for key, text in (("ready-within", settings.ready_within), ("stop.grace", settings.stop.grace)):
        try:
            parse_duration_s(text)
        except UsageError as error:
            yield f"{key} is '{text}', which is no duration", error.remedy or "Write 30s"
