"""Random programs of calls on one event loop, run under the split; meets gevent, so a process of its own runs it.

Time is a number that only `advance` moves, and every move says for whom: what the split must find is therefore known
exactly. Prints what it found wrong, one line each. Arguments: a scratch file, the first seed, the number of programs.
"""

import collections
import random
import sys
from pathlib import Path

import gevent
import numpy as np
from gevent.hub import get_hub

from harness.load.back_to_back import make_slice
from harness.load.calling import Calling, Work, make_caller
from harness.load.current_call import make_here
from harness.load.owner import Owner
from harness.load.split import Split
from harness.load.waits import Waits
from harness.profiles.capture.wait import SHORT, fold
from harness.profiles.stacks.marker import marked
from harness.table import calls, heldby
from harness.table.heldby import BACKGROUND, DRIVER, GARBAGE, IDLE, PACER, HeldBy
from harness.table.recorder import Recorder
from harness.target.carrying import Carrier

ORIGIN_NS = 5_000
OPERATIONS = ("read", "write")
# So many calls at least, and at most, in one program: each has its own number.
COUNT, MOST = 12, 2_000


class World:
    """The clock, and who moved it when: a call by its number, or a special holder."""

    def __init__(self):
        self.time_ns = 1_000_000
        self.moves = []

    def now_ns(self):
        return self.time_ns

    def advance(self, whose, length_ns):
        self.moves.append((self.time_ns, length_ns, whose))
        self.time_ns += length_ns

    def within(self, entered_ns, completed_ns):
        """Return for each holder how long it moved the clock."""
        lengths = collections.Counter()
        for start_ns, length_ns, whose in self.moves:
            if entered_ns <= start_ns and start_ns + length_ns <= completed_ns:
                lengths[whose] += length_ns
        return lengths


class Program:
    """Workers that make random calls beside a pacer, idle time in the hub, and greenlets that calls start."""

    def __init__(self, seed, scratch):
        self.rng = random.Random(seed)
        self.world = World()
        self.recorder = Recorder(scratch, 0)
        self.split = Split(get_hub(), self.world.now_ns)
        self.split.expect(len(OPERATIONS))
        self.cells = HeldBy(scratch.with_name("heldby.npy"), len(OPERATIONS))
        carrier = Carrier()
        carrier.here = make_here(self.split.owners, OPERATIONS, self.split, gevent.getcurrent)
        self.wrap = carrier.bind
        self.events = [[(number, self.rng.getrandbits(32)) for number in range(MOST)]] * 2
        marked_calls = [marked(self.call, name) for name in OPERATIONS]
        # Some programs have every wait on its stack, the others add short ones up.
        self.least_ns = self.rng.choice((0, 0, 1_000))
        markers = [call.__code__ for call in marked_calls]
        self.split.waits = Waits(self.split, markers, self.world.now_ns, self.least_ns)
        # Ns by (operation, function), and of greenlets that calls started.
        self.waited, self.waited_beside = collections.Counter(), collections.Counter()
        self.operation_of = {}
        work = Work(OPERATIONS, marked_calls, self.events, self.world.now_ns)
        owners = self.split.owners
        calling = Calling(work, self.recorder, ORIGIN_NS, self.split, owners, self.cells)
        self.append, self.make = self.recorder.appender(), make_caller(calling)
        self.left = [(number % 2, number) for number in range(COUNT)]
        # Some programs call as the closed model does, the others as the open model does.
        self.make_slice = (
            make_slice(calling, [(number % 2, number) for number in range(MOST)])
            if self.rng.random() < 0.5
            else None
        )
        self.helpers = []

    def step(self, rng, whose):
        """Do one random thing on behalf of `whose`."""
        kind = rng.randrange(5)
        if kind == 0:
            rng.choice((self.here, self.there))(whose)
        elif kind == 4:
            # Garbage is collected in what runs now; to the call itself it is its own time.
            length_ns = rng.randrange(1, 500)
            self.world.advance(("garbage", whose), length_ns)
            self.split.collected(length_ns)
        elif kind == 1:
            length_ns = rng.randrange(1, 900)
            get_hub().loop.run_callback(self.world.advance, IDLE, length_ns)
            rng.choice((self.here, self.there))(whose)
        else:
            self.world.advance(whose, rng.randrange(1, 2000))

    def here(self, whose):
        self.note("here", whose, lambda: gevent.sleep(0))

    def there(self, whose):
        self.note("there", whose, lambda: gevent.sleep(0))

    def note(self, where, whose, wait):
        """Wait, and note how long if it is a call that waits, or a greenlet for a call that is still out."""
        start = len(self.world.moves)
        wait()
        moves = self.world.moves[start:]
        found = self.operation_of.get(whose)
        if found is None:
            return
        operation, root = found
        if gevent.getcurrent() is root:
            # While its own greenlets ran, or collected garbage, the call did not wait.
            own = (whose, ("garbage", whose))
            self.waited[operation, where] += sum(length for _, length, who in moves if who not in own)
        else:
            self.waited_beside[operation, where] += sum(length for _, length, _ in moves)

    def steps(self, seed, whose):
        rng = random.Random(seed)
        for _ in range(rng.randrange(5)):
            self.step(rng, whose)

    def pooled(self, bound, seed, whose):
        """A greenlet of a pool: it works for a call, then for nobody."""
        bound(seed, whose)
        self.steps(seed, BACKGROUND)

    def call(self, event):
        number, seed = event
        rng = random.Random(seed)
        me = gevent.getcurrent()
        self.operation_of[number] = OPERATIONS[self.split.owners[me].holder], me
        started = []
        for _ in range(rng.randrange(6)):
            kind = rng.randrange(8)
            if kind == 0:
                started.append(gevent.spawn(self.wrap(self.steps), rng.getrandbits(32), number))
            elif kind == 2:
                started.append(gevent.spawn(self.pooled, self.wrap(self.steps), rng.getrandbits(32), number))
            elif kind == 1:
                # Not known to the harness: the target's background work.
                started.append(gevent.spawn(self.steps, rng.getrandbits(32), BACKGROUND))
            else:
                self.step(rng, number)
        if rng.random() < 0.6:
            self.note("call", number, lambda: gevent.joinall(started))
        self.helpers += started
        del self.operation_of[number]

    def worker(self):
        me = gevent.getcurrent()
        self.split.owners[me] = Owner(root=me)
        while self.left:
            operation, number = self.left.pop(0)
            now_ns = self.world.now_ns()
            self.world.advance(DRIVER, self.rng.randrange(1, 50))
            if self.make_slice:
                # Several in a row at times, which others may have begun meanwhile.
                end_ns = now_ns + self.rng.choice((0, 3_000))
                self.make_slice(me, now_ns, now_ns, 0, 0, end_ns)
            else:
                row = self.append(operation, number, now_ns - ORIGIN_NS, now_ns - ORIGIN_NS)
                self.make(me, row, operation, number, 0, 0)
            self.split.owners[me].holder = DRIVER
            self.world.advance(DRIVER, self.rng.randrange(1, 50))
            if self.rng.random() < 0.5:
                gevent.sleep(0)

    def pacer(self):
        owner = self.split.owners[gevent.getcurrent()] = Owner(IDLE)
        rng = random.Random(7)
        for _ in range(20):
            owner.holder = rng.choice((IDLE, PACER))
            self.world.advance(owner.holder, rng.randrange(1, 300))
            gevent.sleep(0)

    def run(self):
        """Run to the end and return the complaints."""
        self.split.start()
        try:
            gevent.joinall([gevent.spawn(self.pacer), *(gevent.spawn(self.worker) for _ in range(3))])
            gevent.joinall(self.helpers)
        finally:
            self.split.stop()
            self.recorder.close()
            self.cells.close()
        return self.split.owners

    def complaints(self, table, cells):
        wanted_cells = np.zeros_like(cells)
        for row in table:
            service_ns = int(row["completed_ns"] - row["entered_ns"])
            run_ns, busy_ns = int(row["run_ns"]), int(row["wait_busy_ns"])
            found = run_ns, busy_ns, service_ns - run_ns - busy_ns
            entered_ns = int(row["entered_ns"]) + ORIGIN_NS
            me = int(row["payload"])
            lengths = self.world.within(entered_ns, entered_ns + service_ns)
            own_ns = lengths.pop(me, 0) + lengths.pop(("garbage", me), 0)
            idle_ns = lengths.pop(IDLE, 0)
            wanted = own_ns, sum(lengths.values()), idle_ns
            if found != wanted:
                yield f"call {me}: found {found}, not {wanted}"
            for whose, length_ns in lengths.items():
                holder = GARBAGE if isinstance(whose, tuple) else whose
                column = holder % 2 if holder >= 0 else holder
                wanted_cells[row["operation"], column] += length_ns
        if not np.array_equal(cells, wanted_cells):
            yield f"held by: found {cells.tolist()}, not {wanted_cells.tolist()}"
        yield from self.wrong_waits(table)

    def wrong_waits(self, table):
        """Say what of the wait profile is not what was noted, or does not add up to the rows."""
        record = self.split.waits.record(OPERATIONS)
        profiles = fold([record])
        for number, name in enumerate(OPERATIONS):
            rows = table[table["operation"] == number]
            busy_ns = int(rows["wait_busy_ns"].sum())
            service_ns = int((rows["completed_ns"] - rows["entered_ns"]).sum())
            idle_ns = service_ns - int(rows["run_ns"].sum()) - busy_ns
            told = collections.Counter()
            for stack, weight in profiles.waiting.stacks.items():
                if stack[0] == f"operation:{name}":
                    told[stack[1]] += weight
            if told != collections.Counter({"(loop idle)": idle_ns, "(loop busy)": busy_ns}):
                yield f"{name} waited {told}, not {idle_ns} idle and {busy_ns} busy"
            short = [weight for stack, weight in profiles.waiting.stacks.items() if stack[-1] == SHORT]
            # Less than `least_ns` for each of three calls that may be out at once, of two operations.
            if min(short, default=0) < 0 or sum(short) > 2 * 3 * self.least_ns:
                yield f"{short} ns are on no stack"
        if not self.least_ns:
            for told, noted in ((profiles.waiting, self.waited), (profiles.parallel, self.waited_beside)):
                found = by_function(told)
                if found != +noted:
                    yield f"waited {found}, not {+noted}"


def by_function(profile):
    """Return the weight by operation and by the function of `Program` that waited."""
    found = collections.Counter()
    for stack, weight in profile.stacks.items():
        # `note` calls a lambda of the function that waits; what is of the event loop has been cut.
        function = stack[-1].partition(".<locals>.<lambda> (")[0].removeprefix("Program.")
        found[stack[0].removeprefix("operation:"), function] += weight
    return found


def main():
    scratch, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    total = 0
    for seed in range(first, first + count):
        program = Program(seed, scratch)
        program.run()
        table = calls.load(scratch)
        total += len(table)
        cells = heldby.load(scratch.with_name("heldby.npy"), len(OPERATIONS))
        for complaint in program.complaints(table, cells):
            sys.stdout.write(f"seed {seed}, {complaint}\n")
    sys.stdout.write(f"{total} calls\n")


if __name__ == "__main__":
    main()
