"""Find free ports of 127.0.0.1, and the ports on which processes listen."""

import contextlib
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

LOOPBACK = "127.0.0.1"
_LISTEN = "0A"


def free_port() -> int:
    """Return a port without a listener at this moment; it may be taken before its use, so callers must retry."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def ports_of(pids: Iterable[int]) -> frozenset[int]:
    """Return the TCP ports on which these processes listen, as far as this user may look."""
    own = {inode for pid in pids for inode in _sockets_of(pid)}
    return frozenset(port for inode, port in _listeners() if inode in own)


def _listeners() -> Iterator[tuple[str, int]]:
    """Yield (inode, port) of all listening sockets."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN:
                    yield fields[9], int(fields[1].rpartition(":")[2], 16)


def _sockets_of(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                link = str(descriptor.readlink())
                if link.startswith("socket:["):
                    yield link[len("socket:[") : -1]
