"""Small HTTP servers of known behaviour, as a user writes them: `python server.py PORT`, from the standard library alone."""

import sys
import textwrap
from pathlib import Path

SERVER = """
import http.server, itertools, os, sys, threading, time

{before}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    numbers = itertools.count()

    def do_GET(self):
        number = next(self.numbers)
        status, body = 200, b"ok"
{work}
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


PLAIN = """
import _socket, sys
{before}
listening = _socket.socket()
listening.bind(("127.0.0.1", int(sys.argv[1])))
listening.listen(16)
body = b"ok"
{work}
while True:
    connection = _socket.socket(fileno=listening._accept()[0])
    connection.recv(9999)
    connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + body)
    connection.close()
"""
"""A server that imports next to nothing: Python compiles everything anew for the sides of a session."""


def plain_text(work: str = "", before: str = "") -> str:
    """Return the source of a server for single requests, whose `work` sets `body` once."""
    return PLAIN.format(work=work, before=before)


def server_text(work: str = "", before: str = "") -> str:
    """Return the source of a server that does `work` for each request; `before` stands at the top of the module."""
    return SERVER.format(work=textwrap.indent(textwrap.dedent(work), " " * 8), before=textwrap.dedent(before))


def settings_text(command: str = "{python} server.py {port}", name: str = "shop", **more: str) -> str:
    """Return the tables of a `pyproject.toml`; `more` are settings as TOML."""
    lines = [
        f"command = {toml(command)}",
        *(f"{key.replace('_', '-')} = {value}" for key, value in more.items()),
    ]
    return "\n".join([f"[tool.harness.servers.{name}]", *lines, ""])


def toml(text: str) -> str:
    return "'''" + text + "'''"


def project(folder: Path, work: str = "", *, before: str = "", settings: str | None = None) -> Path:
    """Write a project with one server into `folder`, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server.py").write_text(server_text(work, before))
    (folder / "pyproject.toml").write_text(settings_text() if settings is None else settings)
    return folder


PYTHON = sys.executable
