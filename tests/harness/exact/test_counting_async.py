"""Exact counting of an asynchronous target: equal code counts the same, and planted work is found wherever a call puts it."""

import pytest

from harness.exact.process import ExactPlan
from harness.exact.sides import count_exactly, trace_exactly
from harness.judge.exact import MOST_ELSEWHERE
from harness.processes.subject import Subject

PLAN = ExactPlan(requests=20, repetitions=2)
TARGET = """
import anyio, asyncio, collections, contextlib

class create:
    operations = {"inside": 1, "in a child task": 1, "in a thread": 1, "in a thread of anyio": 1, "left behind": 1, "over a socket": 1}

    def __init__(self, size="10"):
        self.size = int(size)
        self.totals = collections.defaultdict(collections.Counter)

    async def open(self):
        self.lock = asyncio.Lock()
        self.calls = {
            "inside": self.work, "in a child task": self.child, "in a thread": self.thread, "in a thread of anyio": self.anyio, "left behind": self.left,
            "over a socket": self.socket,
        }
        self.ours, theirs = await self.pair()
        self.far = asyncio.create_task(self.echo(*theirs))

    async def pair(self):
        came = asyncio.Future()
        server = await asyncio.start_server(lambda *streams: came.set_result(streams), "127.0.0.1", 0)
        ours = await asyncio.open_connection(*server.sockets[0].getsockname())
        server.close()
        return ours, await came

    async def echo(self, reader, writer):
        while line := await reader.readline():
            writer.write(line)

    async def make_event(self, operation, rng):
        await asyncio.sleep(0)
        return operation

    async def call(self, event):
        async with self.lock:
            return await self.calls[event](event)

    async def work(self, event):
        await asyncio.sleep(0)
        return self.plain(event)

    def plain(self, event):
        self.totals[event]["shop.queries"] += self.size
        return len([bytearray(10) for _ in range(self.size)])

    async def child(self, event):
        return await asyncio.create_task(self.work(event))

    async def thread(self, event):
        return await asyncio.to_thread(self.plain, event)

    async def anyio(self, event):
        return await anyio.to_thread.run_sync(self.plain, event)

    async def left(self, event):
        asyncio.create_task(self.late(event))

    async def late(self, event):
        await asyncio.sleep(0.005)
        await self.work(event)

    async def socket(self, event):
        self.ours[1].write(b"x" * self.size + b"\\n")
        return len(await self.ours[0].readline())

    def counters(self):
        return self.totals

    async def close(self):
        self.far.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.far
        self.ours[1].close()
"""
PLACES = ("inside", "in a child task", "in a thread", "in a thread of anyio", "left behind")


@pytest.fixture
def subject(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(TARGET)
    return lambda size: Subject(f"{path}:create", {"size": str(size)})


def by_name(counts):
    return {(count.benchmark, count.metric): count for count in counts}


def test_what_an_asynchronous_target_counts_of_itself_is_exact(supervisor, subject, tmp_path):
    counts = by_name(count_exactly(supervisor, subject(10), subject(11), tmp_path, PLAN))
    for place in PLACES:
        queries = counts[place, "queries.shop"]
        assert (queries.base, queries.candidate) == ([10.0] * 2, [11.0] * 2)
        assert counts[place, "failures"].candidate == [0.0] * 2


def test_allocations_of_a_call_are_found_in_its_tasks_and_threads_too(supervisor, subject, tmp_path):
    counts = by_name(trace_exactly(supervisor, subject(100), subject(150), tmp_path, PLAN))
    for place in PLACES:
        count = counts[place, "allocations"]
        # Two threads that wait for each other cost a few more or less, now and then; timers a part of one.
        assert max(count.base) - min(count.base) < (20 if "thread" in place else 1)
        # A bytearray is two allocations; a list grows as it is filled.
        assert sum(count.candidate) / 2 - sum(count.base) / 2 == pytest.approx(100, abs=25)
        name = "create.plain.<locals>.<listcomp> (own.py)"
        assert count.candidate_sites[name] - count.base_sites[name] == pytest.approx(100, abs=25)
        # A new thread of anyio begins with some work of its own.
        assert max(count.base_elsewhere, count.candidate_elsewhere) < MOST_ELSEWHERE
        assert count.unseen == ""
        assert not any("run_forever" in site for site in count.base_sites), "no cost of the loop itself"


def test_a_task_of_the_targets_own_is_no_part_of_a_call_and_that_is_said(supervisor, subject, tmp_path):
    counts = by_name(trace_exactly(supervisor, subject(100), subject(150), tmp_path, PLAN))
    count = counts["over a socket", "allocations"]
    assert count.base_elsewhere > MOST_ELSEWHERE, "the far end of its connection"
    # Its own end was made before any call, and belongs to the one that reads from it.
    assert any("data_received" in site for site in count.base_sites)
