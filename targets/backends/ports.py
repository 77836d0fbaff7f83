"""Find free ports of 127.0.0.1, and the process that listens on one."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

LOOPBACK = "127.0.0.1"
_LISTEN = "0A"
# Messages of the three servers when another process has their port.
_TAKEN_MARKS = ("Address already in use", "Unable to listen")


def free_port() -> int:
    """Return a port without a listener at this moment; it may be taken before its use, so callers must retry."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def was_taken(log_text: str) -> bool:
    """Return True if a server's log reports that its port was taken."""
    return any(mark in log_text for mark in _TAKEN_MARKS)


def listens(pid: int, port: int) -> bool:
    """Return True if this very process listens on `port`: another process's answer must not count."""
    inodes = set(_listening_inodes(port))
    return bool(inodes) and not inodes.isdisjoint(_socket_inodes(pid))


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _socket_inodes(pid: int) -> Iterator[str]:
    with contextlib.suppress(FileNotFoundError, PermissionError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                link = str(descriptor.readlink())
                if link.startswith("socket:["):
                    yield link[len("socket:[") : -1]
