"""Two hosts on one machine: network namespaces joined by a cable, the second with a monotonic and a wall clock of its own.

A relay on the second host delays each direction by its own time, as a long way does, since not every kernel has `netem`.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys

from tests.support.paths import ROOT

MASTER_ADDRESS, WORKER_ADDRESS = "10.231.77.1", "10.231.77.2"
MONOTONIC_S = 1000
WALL_S = 3600
FAR = (
    "import harness.clock as clock; real = clock.wall_ns; "
    f"clock.wall_ns = lambda: real() + {WALL_S} * 10**9; "
    "import runpy; runpy.run_module('harness', run_name='__main__', alter_sys=True)"
)


class Hosts:
    """The host of the master, `near`, and the other one, `far`."""

    def __init__(self, name):
        self.near, self.far = f"{name}-near", f"{name}-far"
        self._cable = f"{name[-8:]}-f"

    @property
    def on_near(self):
        """Words before a command that runs on the host of the master."""
        return ("ip", "netns", "exec", self.near)

    @property
    def on_far(self):
        """Words before a command that runs on the other host."""
        return (
            "ip",
            "netns",
            "exec",
            self.far,
            "unshare",
            "--time",
            "--monotonic",
            str(MONOTONIC_S),
            "--fork",
            "--kill-child",
        )

    def make(self):
        near_end = self._cable[:-1] + "n"
        for name in (self.near, self.far):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip(
            "-n",
            self.near,
            "link",
            "add",
            near_end,
            "type",
            "veth",
            "peer",
            "name",
            self._cable,
            "netns",
            self.far,
        )
        for name, end, address in (
            (self.near, near_end, MASTER_ADDRESS),
            (self.far, self._cable, WORKER_ADDRESS),
        ):
            _ip("-n", name, "address", "add", f"{address}/30", "dev", end)
            _ip("-n", name, "link", "set", end, "up")

    def remove(self):
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    def cable(self, state):
        """Plug the cable in (`up`), or pull it (`down`)."""
        _ip("-n", self.far, "link", "set", self._cable, state)

    @contextlib.contextmanager
    def relay(self, port, there_ms, back_ms):
        """Relay connections of the far host to its own `port` to that of the master, with a delay in each direction."""
        process = subprocess.Popen(
            [*self.on_far[:4], sys.executable, "-m", "tests.support.hosts", port, str(there_ms), str(back_ms)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.kill()
            process.communicate()


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def why_not():
    """Return why this machine cannot have two hosts; empty if it can."""
    if missing := [tool for tool in ("ip", "unshare") if not shutil.which(tool)]:
        return f"{', '.join(missing)} not found: install iproute2 and util-linux"
    if os.geteuid():
        return "network namespaces are for root only"
    trial = Hosts(f"t{os.getpid()}")
    try:
        trial.make()
        tried = subprocess.run([*trial.on_far, "true"], capture_output=True, text=True, check=False)
        return f"time namespaces are not allowed: {tried.stderr.strip()}" if tried.returncode else ""
    except subprocess.CalledProcessError as error:
        return f"network namespaces are not allowed: {error.stderr.strip()}"
    finally:
        trial.remove()


@contextlib.contextmanager
def two_hosts():
    """Make the hosts; nothing of them is left at the end of the block."""
    hosts = Hosts(f"h{os.getpid()}")
    try:
        hosts.make()
        yield hosts
    finally:
        hosts.remove()


async def _pass_on(reader, writer, delay_s):
    loop, queue = asyncio.get_running_loop(), asyncio.Queue()

    async def write():
        while True:
            due_s, data = await queue.get()
            if not data:
                break
            await asyncio.sleep(max(due_s - loop.time(), 0))
            writer.write(data)
        writer.close()

    task = asyncio.create_task(write())
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            queue.put_nowait((loop.time() + delay_s, data))
    queue.put_nowait((loop.time(), b""))
    with contextlib.suppress(ConnectionError):
        await task


async def _relay(port, there_s, back_s):
    async def joined(reader, writer):
        far_reader, far_writer = await asyncio.open_connection(MASTER_ADDRESS, port)
        await asyncio.gather(_pass_on(reader, far_writer, there_s), _pass_on(far_reader, writer, back_s))

    server = await asyncio.start_server(joined, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_relay(int(sys.argv[1]), float(sys.argv[2]) / 1000, float(sys.argv[3]) / 1000))
