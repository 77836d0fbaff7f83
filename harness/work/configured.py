"""Find the server that a SPEC `serve:NAME` means, in `[tool.harness.servers]` of the project."""

import difflib
from pathlib import Path

from harness.errors import UsageError
from harness.judge import policy_file
from harness.serving.server import Server
from harness.target.spec import SERVE, kind_and_place


def configured_server(name: str) -> Server | None:
    """Return the server of a SPEC's name `serve:NAME`; None for any other name.

    Raises `UsageError` with the nearest names if the project has no such server.
    """
    kind, server = kind_and_place(name)
    if kind != SERVE:
        return None
    servers = policy_file.servers(Path.cwd())
    if server not in servers:
        raise UsageError(
            f"There is no server '{server}'",
            where=str(Path.cwd() / "pyproject.toml"),
            remedy=_offered(server, list(servers)),
        )
    return Server(server, servers[server])


def _offered(name: str, servers: list[str]) -> str:
    if not servers:
        return f"Configure it: [tool.harness.servers.{name or 'NAME'}] with its command"
    near = difflib.get_close_matches(name, servers, 3, 0.5)
    return f"Did you mean {' or '.join(near)}?" if near else f"Choose from: {', '.join(servers)}"
