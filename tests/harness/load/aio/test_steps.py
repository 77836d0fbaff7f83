"""The split of an event loop, exact on a clock that only the test moves."""

import asyncio
import collections
import contextlib
import contextvars
import random

import numpy as np

from harness.load.aio.back_to_back import make_slice
from harness.load.aio.calling import make_caller
from harness.load.aio.chain import codes_of_task
from harness.load.aio.lease import CALL, Late, make_here, start_task
from harness.load.aio.selector import PacedSelector
from harness.load.aio.steps import Steps
from harness.load.calling import Calling, Work
from harness.load.owner import Owner
from harness.load.waits import Waits
from harness.profiles.capture.wait import fold
from harness.profiles.stacks.marker import marked_async
from harness.table import calls, heldby
from harness.table.heldby import BACKGROUND, DRIVER, GARBAGE, IDLE, HeldBy
from harness.table.recorder import Recorder
from harness.target.carrying import Carrier

OPERATIONS = ("read", "write")
WORKERS, CALLS = 4, 5
# Each call has a number of its own, at most so many in one program.
MOST = 2_000


class World:
    """The clock, and who moved it when: a call by its number, also for what it leaves behind, or a special holder."""

    def __init__(self):
        self.time_ns = 1_000_000
        self.moves = []

    def now_ns(self):
        return self.time_ns

    def advance(self, whose, length_ns):
        self.moves.append((self.time_ns, length_ns, whose))
        self.time_ns += length_ns

    def within(self, row):
        lengths = collections.Counter()
        for start_ns, length_ns, whose in self.moves:
            if row["entered_ns"] <= start_ns and start_ns + length_ns <= row["completed_ns"]:
                lengths[whose] += length_ns
        return lengths


class Idling(PacedSelector):
    """A selector that never really waits: the clock moves on while it has nothing to do."""

    def __init__(self, world):
        super().__init__(world.now_ns)
        self.world, self.rng = world, random.Random(7)

    def select(self, timeout=None):
        if timeout != 0 and self.split is not None:
            length_ns = self.rng.randrange(1, 500)
            self.world.advance(IDLE, length_ns)
            self.split.held[IDLE] += length_ns
        return super(PacedSelector, self).select(0)


class Program:
    """Tasks that make random calls, child tasks and callbacks of these, late work, and background work of the target."""

    def __init__(self, seed, path):
        self.rng, self.world = random.Random(seed), World()
        self.late = Late(OPERATIONS)
        self.split = Steps(self.world.now_ns, self.late)
        self.selector = Idling(self.world)
        self.selector.split = self.split
        self.recorder, self.path = Recorder(path, 0), path
        self.cells = HeldBy(path.with_name("heldby.npy"), len(OPERATIONS))
        self.late_work = []
        self.sequence = [(number % 2, number) for number in range(MOST)]
        marked = [marked_async(self.call, name) for name in OPERATIONS]
        self.waits = Waits(
            self.split, [one.__code__ for one in marked], self.world.now_ns, 1, codes=codes_of_task
        )
        self.split.expect(len(OPERATIONS))
        self.split.waits = self.waits
        carrier = Carrier()
        carrier.here, self.bind = make_here(OPERATIONS, self.split, lambda _name, run: run), carrier.bind
        self.queue = collections.deque()
        self.work = Work(list(OPERATIONS), marked, [list(range(MOST))] * 2, self.world.now_ns)

    def run(self):
        loop = asyncio.SelectorEventLoop(self.selector)
        self.split.loop = loop
        with self.recorder, contextlib.closing(self.cells):
            calling = Calling(self.work, self.recorder, 0, self.split, {}, self.cells)
            # Some programs call as the closed model does, the others as the open model does.
            self.make_calls = (
                make_slice(calling, self.sequence, self.late) if self.rng.random() < 0.5 else None
            )
            self.make, self.append = make_caller(calling, self.late), self.recorder.appender()
            self.split.start()
            with contextlib.closing(loop):
                loop.run_until_complete(self.everything())
            self.split.stop()
        calls.seal(self.path)
        return calls.load(self.path)

    async def everything(self):
        background = asyncio.create_task(self.background(), context=contextvars.Context())
        CALL.set([Owner()])
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        users = [start_task(loop, context, self.user) for _ in range(WORKERS)]
        await asyncio.gather(*users)
        background.cancel()
        await asyncio.gather(*self.late_work)

    async def background(self):
        while True:
            await asyncio.sleep(self.rng.choice([0, 1e-3]))
            self.world.advance(BACKGROUND, self.rng.randrange(1, 200))
            while self.queue:
                self.queue.popleft()()
                self.world.advance(BACKGROUND, self.rng.randrange(1, 200))

    async def user(self, owner):
        own = CALL.get()
        for _ in range(CALLS):
            self.world.advance(DRIVER, self.rng.randrange(1, 100))
            now_ns = self.world.now_ns()
            if self.make_calls:
                await self.make_calls(owner, now_ns, now_ns, 0, 0, now_ns + self.rng.randrange(20_000))
            else:
                operation, number = self.sequence.pop()
                row = self.append(operation, number, now_ns, now_ns)
                await self.make(owner, row, operation, number, 0, 0)
            if self.rng.random() < 0.5:
                CALL.set(own)
                self.world.advance(DRIVER, self.rng.randrange(1, 100))
                await asyncio.sleep(0)

    def column(self, whose):
        """Return the column of the table of what blocked the loop."""
        if isinstance(whose, int):
            return whose
        kind, number = whose
        return GARBAGE if kind == "garbage" else number % 2

    def spend(self, number, most_ns=1000):
        whose = ("call", number)
        self.world.advance(whose, self.rng.randrange(1, most_ns))
        if self.rng.random() < 0.2:
            # Garbage is collected in what runs now; to the call itself it is its own time.
            length_ns = self.rng.randrange(1, 500)
            self.world.advance(("garbage", whose), length_ns)
            self.split.collected(length_ns)

    async def call(self, number):
        for _ in range(self.rng.randrange(4)):
            self.spend(number)
            await self.rng.choice(
                [self.turn, self.idle, self.group, self.leave, self.callback, self.hand_over]
            )(number)
            self.spend(number)

    async def turn(self, _number):
        await asyncio.sleep(0)

    async def idle(self, _number):
        await asyncio.sleep(1e-4)

    async def group(self, number):
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(self.part(number))

    async def leave(self, number):
        self.late_work.append(asyncio.create_task(self.part(number)))

    async def callback(self, number):
        asyncio.get_running_loop().call_soon(self.spend, number)

    async def hand_over(self, number):
        """Let the background task do a part of the work: only the bound function knows whose it is."""
        self.queue.append(self.bind(lambda: self.spend(number)))
        await asyncio.sleep(0)

    async def part(self, number):
        for _ in range(3):
            self.spend(number)
            await asyncio.sleep(0)


def test_random_programs_are_split_exactly_into_run_busy_and_idle_and_by_who_held_the_loop(tmp_path):
    idle = late = 0
    for seed in range(20):
        program = Program(seed, tmp_path / "calls.npy")
        check(program, program.run())
        idle += any(whose == IDLE for *_, whose in program.world.moves)
        late += sum(program.late.found().values())
        assert sum(program.late.found().values()) <= len(program.late_work)
    assert min(idle, late) > 5


def check(program, rows):
    """Hold every row, the table of what blocked the loop, and the wait profile against who moved the clock."""
    assert len(rows) >= WORKERS * CALLS
    expected = np.zeros((2, 2 + heldby.SPECIAL), "<i8")
    for row in rows:
        number, operation = int(row["payload"]), int(row["operation"])
        lengths, mine = program.world.within(row), ("call", number)
        run_ns = lengths.pop(mine, 0) + lengths.pop(("garbage", mine), 0)
        idle_ns = lengths.pop(IDLE, 0)
        assert int(row["run_ns"]) == run_ns
        assert int(row["wait_busy_ns"]) == sum(lengths.values())
        assert int(row["completed_ns"] - row["entered_ns"]) == run_ns + idle_ns + sum(lengths.values())
        for whose, length_ns in lengths.items():
            expected[operation, program.column(whose)] += length_ns
    assert (heldby.read(program.path.with_name("heldby.npy"), 2) == expected).all()
    waiting = fold([program.waits.record(OPERATIONS)]).waiting
    assert sum(waiting.stacks.values()) == (rows["completed_ns"] - rows["entered_ns"] - rows["run_ns"]).sum()
