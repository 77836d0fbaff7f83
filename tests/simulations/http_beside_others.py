"""Back the claim on servers with a URL: the times of a run are those of the server's own journal, as no public generator's are.

`python tests/simulations/http_beside_others.py [SECONDS]` needs `wrk` and `hey` (Debian packages). A server of its own process
answers after 30 ms, one request in 50 after 100 ms, and holds everything for 500 ms once in each part. It notes when each request arrived
and when its answer was sent. `wrk` and `hey` ask it through four connections, one after the other, and the harness at the rate
that `wrk` reached. Each line compares what a generator says with the journal of its own requests:

* `service`: from arrival to answer, as the server saw it. A generator with few connections sees the same;
* `response`: from the moment at which the request was due at this rate, in even steps, to the answer. Only an open model can say
  it: what `wrk` and `hey` leave out of it is coordinated omission.

All on one core that others used too, 12 s each, at 117/s: the harness is within 2.0 %, 0.6 % and 0.9 % of the journal's service
(p50, p99, maximum) and within 0.9 %, 1.5 % and 1.6 % of the response. `wrk` calls a p99 of 101 ms 406 ms (its latencies are
"corrected" after the fact), and `hey` calls a response of 288 ms at p99 102 ms.
"""

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CONNECTIONS = 4
RARE, RARE_S, USUAL_S, STALL_S = 50, 0.100, 0.030, 0.500
SHARES = {"p50": 0.5, "p99": 0.99, "max": 1.0}
RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def serve(journal: Path) -> None:
    """Answer until the process is ended. A request for `/stall` is answered at once, and the whole server held in the middle of a part."""
    lines, count, stall_at = journal.open("w"), 0, 0.0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count, stall_at
        while head := await reader.readuntil(b"\r\n\r\n"):
            arrived_ns = time.perf_counter_ns()
            if b" /stall/" in head:
                stall_at = time.monotonic() + float(head.split(b"/")[2].split(b" ")[0])
            else:
                count += 1
                due = time.monotonic() + (RARE_S if count % RARE == 0 else USUAL_S)
                if stall_at and time.monotonic() > stall_at:
                    stall_at = 0.0
                    time.sleep(STALL_S)  # noqa: ASYNC251 - on purpose
                await asyncio.sleep(max(due - time.monotonic(), 0))
            ended_ns = time.perf_counter_ns()
            writer.write(RESPONSE)
            lines.write(json.dumps([head.split(b" ")[1].decode(), arrived_ns, ended_ns]) + "\n")
            lines.flush()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, backlog=4_096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def percentiles(values_ms: np.ndarray) -> dict[str, float]:
    """Return the figures of one column in ms."""
    return {
        name: float(np.quantile(values_ms, share, method="inverted_cdf")) for name, share in SHARES.items()
    }


def of_wrk(url: str, seconds: float) -> dict[str, float]:
    """Run wrk; return what it says in ms."""
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--latency", f"{url}/wrk"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    latency = re.search(r"Latency\s+\S+\s+\S+\s+(\S+)", said)
    found = {name: re.search(rf"\s{name[1:]}%\s+(\S+)", said) for name in ("p50", "p99")}
    return {name: _ms(match[1]) for name, match in {**found, "max": latency}.items() if match}


def of_hey(url: str, seconds: float) -> dict[str, float]:
    """Run hey; return what it says in ms."""
    words = ["hey", "-c", str(CONNECTIONS), "-z", f"{seconds:g}s", f"{url}/hey"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    patterns = {"p50": r"50% in (\S+) secs", "p99": r"99% in (\S+) secs", "max": r"Slowest:\s+(\S+) secs"}
    return {
        name: 1e3 * float(match[1])
        for name, pattern in patterns.items()
        if (match := re.search(pattern, said))
    }


def of_harness(url: str, seconds: float, folder: Path, load: list[str]) -> dict[str, dict[str, float]]:
    """Run the harness; return what it says of service and response in ms."""
    folder.mkdir()
    command = [
        sys.executable, "-m", "harness", "run", *load, "--target", url, "--duration", f"{seconds:g}s", "--warmup", "0s", "--no-report",
        "--json", "--out", str(folder),
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    (run,) = json.loads(said.stdout)["runs"]
    (operation,) = run["operations"].values()
    print(f"harness {load[0]}: {run['validity']} {'; '.join(run['reasons'])}")
    return {
        metric: {
            name: operation[metric][name] / 1e6 for name in SHARES if operation[metric][name] is not None
        }
        for metric in ("service_ns", "response_ns")
    }


def _ms(text: str) -> float:
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    number = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    assert number is not None
    return float(number[1]) * unit[number[2]]


def line(what: str, said: dict[str, float], true_ms: np.ndarray) -> str:
    """Return a line of the table: each figure as told, as it was, and the difference in per cent."""
    truth = percentiles(true_ms)
    cells = (
        f"{said[name]:8.2f} {truth[name]:8.2f} {100 * (said[name] / truth[name] - 1):+7.1f} %"
        if name in said
        else f"{'-':>8} {truth[name]:8.2f} {'':9}"
        for name in SHARES
    )
    return f"{what:28}" + "  |".join(cells)


def main(seconds: float) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder, journal = Path(name), Path(name) / "journal.jsonl"
        server = subprocess.Popen(
            [sys.executable, __file__, "serve", str(journal)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"

            def journalled(path: str) -> tuple[np.ndarray, np.ndarray]:
                lines = [json.loads(text) for text in journal.read_text().splitlines()]
                found = np.array([one[1:] for one in lines if one[0].startswith(path)], np.int64)
                return found[:, 0], found[:, 1]

            def stall_in(delay_s: float) -> None:
                subprocess.run(["curl", "-s", "-o", "/dev/null", f"{url}/stall/{delay_s:g}"], check=True)

            lines = [f"{'ms: said, journal':28}" + "  |".join(f"{name:^27}" for name in SHARES)]
            rate = 0.0
            for tool, of in (("wrk", of_wrk), ("hey", of_hey)):
                stall_in(seconds / 2)
                said = of(url, seconds)
                arrived, ended = journalled(f"/{tool}")
                rate = rate or len(arrived) / seconds
                lines.append(line(f"{tool}, service", said, (ended - arrived) / 1e6))
                lines.append(line(f"{tool}, response", said, _response_ms(arrived, ended)))
            # The harness measures its client first.
            stall_in(4 + seconds / 2)
            told = of_harness(
                f"{url}/closed", seconds, folder / "closed", ["closed", "--users", str(CONNECTIONS)]
            )
            arrived, ended = journalled("/closed")
            lines.append(line("harness closed, service", told["service_ns"], (ended - arrived) / 1e6))
            stall_in(4 + seconds / 2)
            load = ["steady", "--rate", f"{rate:.0f}", "--arrivals", "uniform"]
            told = of_harness(f"{url}/open", seconds, folder / "open", load)
            arrived, ended = journalled("/open")
            true_ms = (
                ended[np.argsort(arrived, kind="stable")] - _intended(folder / "open")[: len(ended)]
            ) / 1e6
            lines.append(line(f"harness {rate:.0f}/s, response", told["response_ns"], true_ms))
            print("\n".join(lines))
        finally:
            server.kill()
            server.wait()


def _response_ms(arrived: np.ndarray, ended: np.ndarray) -> np.ndarray:
    """Return the times from when a closed generator's requests were due, in even steps at its own mean rate, in ms."""
    order = np.argsort(arrived, kind="stable")
    due = np.linspace(arrived.min(), arrived.max(), len(arrived))
    return np.maximum(ended[order] - due, (ended - arrived)[order]) / 1e6


def _intended(folder: Path) -> np.ndarray:
    (directory,) = folder.glob("*-steady-*")
    facts = json.loads((directory / "timing" / "facts.json").read_text())
    table = np.load(directory / "timing" / "calls.npy")
    return np.sort(table["intended_ns"]) + facts["origin_ns"]


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(Path(sys.argv[2])))
    else:
        main(float(sys.argv[1]) if sys.argv[1:] else 20.0)
