"""An HTTP server of known truth, in a process of its own: it writes a line for each request that it has answered.

`/slow/MS` answers after so many ms, `/status/CODE` with a status, `/drop` closes the connection without an answer, `/stream`
in three pieces, `/stall/MS/AFTER` holds the whole server once for so many ms, AFTER ms from the first such request, and everything else with `ok`. Times are of the machine's monotonic clock, as in a table of calls.
"""

import asyncio
import contextlib
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.processes import survivors

NOW_NS = time.perf_counter_ns
STALLS: dict[str, int] = {}


@dataclasses.dataclass(frozen=True)
class Served:
    """One answered request."""

    method: str
    path: str
    status: int
    arrived_ns: int
    ended_ns: int


class Server:
    """The server as a test sees it."""

    def __init__(self, address: str, port: int, journal: Path, kill: Callable[[], None]) -> None:
        self.url = f"http://{address}:{port}"
        self.kill = kill
        """Function that ends it at once, in the middle of whatever it does."""
        self._journal = journal

    def served(self) -> list[Served]:
        """Return all requests that were answered so far, in the order of their answers."""
        return [Served(*json.loads(line)) for line in self._journal.read_text().splitlines()]


@contextlib.contextmanager
def serving(folder: Path, address: str = "127.0.0.1", prefix: tuple[str, ...] = ()):
    """Run the server; nothing of it is left at the end of the block. `prefix` are words before its command."""
    journal = folder / "served.jsonl"
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "tests.support.journalled", str(journal), address],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Server(address, int(process.stdout.readline()), journal, process.kill)
    finally:
        process.kill()
        process.communicate()
        assert not survivors([process.pid])


async def answer(reader, writer, journal):
    while head := await reader.readuntil(b"\r\n\r\n"):
        arrived_ns = NOW_NS()
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        await reader.readexactly(length)
        _, first, *rest = path.partition("?")[0].split("/")
        if first == "drop":
            writer.close()
            return
        if first == "slow":
            await asyncio.sleep(float(rest[0]) / 1000)
        if first == "stall":
            due_ns = STALLS.setdefault(path, arrived_ns + int(rest[1]) * 1_000_000)
            if arrived_ns >= due_ns:
                STALLS[path] = 1 << 62
                time.sleep(float(rest[0]) / 1000)  # noqa: ASYNC251 - on purpose
        status = int(rest[0]) if first == "status" else 200
        body = b'{"ok": true}'
        if first == "stream":
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            for _ in range(2):
                writer.write(b"5\r\nline\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.002)
            ended_ns = NOW_NS()
            writer.write(b"5\r\nline\n\r\n0\r\n\r\n")
        else:
            line = f"HTTP/1.1 {status} Known\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            ended_ns = NOW_NS()
            writer.write(line.encode() + body)
        journal.write(json.dumps([method, path, status, arrived_ns, ended_ns]) + "\n")
        journal.flush()
        await writer.drain()


async def serve(journal, address):
    async def handle(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await answer(reader, writer, journal)
        writer.close()

    server = await asyncio.start_server(handle, address, 0, backlog=1_024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with open(sys.argv[1], "w") as lines:
        asyncio.run(serve(lines, sys.argv[2]))
