"""Random programs of calls on one event loop, run under the split; meets gevent, so a process of its own runs it.

Time is a number that only `advance` moves, and every move says for whom: what the split must find is therefore known
exactly. Prints what it found wrong, one line each. Arguments: a scratch file, the first seed, the number of programs.
"""

import random
import sys
from pathlib import Path

import gevent
from gevent.hub import get_hub

from harness import calls
from harness.invoke import make_invoke
from harness.load.calling import Work, make_caller
from harness.load.split import Owner, Split
from harness.load.wrap import make_wrap
from harness.recorder import Recorder

IDLE, OTHER = "idle", "other"
ORIGIN_NS = 5_000


class World:
    """The clock, and who moved it when."""

    def __init__(self):
        self.time_ns = 1_000_000
        self.moves = []

    def now_ns(self):
        return self.time_ns

    def advance(self, whose, length_ns):
        self.moves.append((self.time_ns, length_ns, whose))
        self.time_ns += length_ns

    def expected(self, call, entered_ns, completed_ns):
        """Return (run, wait_busy, wait_idle) of a call."""
        inside = [move for move in self.moves if entered_ns <= move[0] and move[0] + move[1] <= completed_ns]
        run = sum(length for _, length, whose in inside if whose == call)
        idle = sum(length for _, length, whose in inside if whose == IDLE)
        return run, sum(length for _, length, _ in inside) - run - idle, idle


class Program:
    """Workers that make random calls beside a pacer, idle time in the hub, and greenlets that calls start."""

    def __init__(self, seed, scratch):
        self.rng = random.Random(seed)
        self.world = World()
        self.recorder = Recorder(scratch, 0)
        self.append = self.recorder.appender()
        self.split = Split(get_hub(), self.world.now_ns)
        self.wrap = make_wrap(self.split.owners, ["read"], self.split)
        invoke = make_invoke(self.call, None, self.world.now_ns)
        self.events = [[(number, self.rng.getrandbits(32)) for number in range(12)]]
        work = Work(["read"], [invoke], self.events)
        self.make = make_caller(work, self.recorder, ORIGIN_NS, self.split, self.split.owners)
        self.left = list(range(12))
        self.helpers = []

    def step(self, rng, whose):
        """Do one random thing on behalf of `whose`."""
        kind = rng.randrange(4)
        if kind == 0:
            gevent.sleep(0)
        elif kind == 1:
            length_ns = rng.randrange(1, 900)
            get_hub().loop.run_callback(self.world.advance, IDLE, length_ns)
            gevent.sleep(0)
        else:
            self.world.advance(whose, rng.randrange(1, 2000))

    def steps(self, seed, whose):
        rng = random.Random(seed)
        for _ in range(rng.randrange(5)):
            self.step(rng, whose)

    def pooled(self, bound, seed, whose):
        """A greenlet of a pool: it works for a call, then for nobody."""
        bound(seed, whose)
        self.steps(seed, OTHER)

    def call(self, event):
        number, seed = event
        rng = random.Random(seed)
        started = []
        for _ in range(rng.randrange(6)):
            kind = rng.randrange(8)
            if kind == 0:
                started.append(gevent.spawn(self.wrap(self.steps), rng.getrandbits(32), number))
            elif kind == 2:
                started.append(gevent.spawn(self.pooled, self.wrap(self.steps), rng.getrandbits(32), number))
            elif kind == 1:
                # Not known to the harness: the target's background work.
                started.append(gevent.spawn(self.steps, rng.getrandbits(32), OTHER))
            else:
                self.step(rng, number)
        if rng.random() < 0.6:
            gevent.joinall(started)
        self.helpers += started

    def worker(self):
        me = gevent.getcurrent()
        self.split.owners[me] = Owner(is_target=True)
        while self.left:
            number = self.left.pop(0)
            now_ns = self.world.now_ns()
            row = self.append(0, number, now_ns - ORIGIN_NS, now_ns - ORIGIN_NS)
            self.world.advance(OTHER, self.rng.randrange(1, 50))
            self.make(me, row, 0, number, 0, 0)
            if self.rng.random() < 0.5:
                gevent.sleep(0)

    def pacer(self):
        self.split.idle(gevent.getcurrent())
        rng = random.Random(7)
        for _ in range(20):
            self.world.advance(IDLE, rng.randrange(1, 300))
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
        return self.split.owners

    def complaints(self, table):
        for row in table:
            service_ns = int(row["completed_ns"] - row["entered_ns"])
            run_ns, busy_ns = int(row["run_ns"]), int(row["wait_busy_ns"])
            found = run_ns, busy_ns, service_ns - run_ns - busy_ns
            entered_ns = int(row["entered_ns"]) + ORIGIN_NS
            wanted = self.world.expected(int(row["payload"]), entered_ns, entered_ns + service_ns)
            if found != wanted:
                yield f"call {row['payload']}: found {found}, not {wanted}"


def main():
    scratch, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    total = 0
    for seed in range(first, first + count):
        program = Program(seed, scratch)
        program.run()
        table = calls.load(scratch)
        total += len(table)
        for complaint in program.complaints(table):
            sys.stdout.write(f"seed {seed}, {complaint}\n")
    sys.stdout.write(f"{total} calls\n")


if __name__ == "__main__":
    main()
