"""Receipts of simulated sessions: what each block would have measured, without a process."""

import math
import random

import msgspec

from harness.judge.looks import Looks
from harness.judge.policy_file import sha256
from harness.policy.policy import Policy
from harness.session.receipt import (
    NULL_CONTROL,
    Benchmark,
    Block,
    Count,
    LoadBlock,
    Phase,
    Receipt,
    Segment,
    Sentinel,
    SessionPlan,
    Slices,
    SubjectFacts,
)

POLICY = Policy()
PAIRS = 3
BASE_NS = 3_000_000
CONTROL = Benchmark(name=NULL_CONTROL, pairs=PAIRS, calls=10, of="a")


def slices(change, *, pairs=PAIRS, first=None):
    """Slices whose median log ratio is `change`."""
    candidate_ns = round(BASE_NS * math.exp(change))
    return Slices(
        base_ns=[BASE_NS] * pairs,
        candidate_ns=[candidate_ns] * pairs,
        first=first or [index % 2 for index in range(pairs)],
        base_cpu_ns=[BASE_NS] * pairs,
        candidate_cpu_ns=[candidate_ns] * pairs,
    )


def block(number, phase, changes, **fields):
    """A block in which each benchmark of `changes` changed by so much."""
    return Block(
        **{
            "number": number,
            "phase": phase,
            "seed": number,
            "cpu": 0,
            "spawned": ["base", "candidate", "null"],
            "slices": {name: slices(change) for name, change in changes.items()},
            "sentinel": Sentinel(base_ns=[10**6] * 3, candidate_ns=[10**6] * 3, null_ns=[10**6] * 3),
            "import_ns": {"base": 10**8, "candidate": 10**8, "null": 10**8},
            "order": [name for name in changes if name != NULL_CONTROL],
        }
        | fields
    )


def receipt(**fields):
    """A finished receipt of the micro suite under the default policy."""
    facts = SubjectFacts(spec="git:main", label="main")
    return Receipt(
        **{
            "command": "harness compare",
            "started_at": "2026-11-22T12:00:00+00:00",
            "seed": 1,
            "suites": ["micro"],
            "base": facts,
            "candidate": facts,
            "environment": {},
            "policy": {},
            "policy_sha256": sha256(Policy()),
            "plan": SessionPlan(),
            "finished": True,
        }
        | fields
    )


class Simulation:
    """Sessions of benchmarks whose true changes are known; every block adds noise of its own.

    `run` follows the conductor: blocks of the screen, then of the confirmation, of the benchmarks that `looks` names.
    """

    def __init__(self, changes, *, sd=0.01, seed=0, plan=None, noise=None):
        self.changes = {name: math.log1p(change) for name, change in changes.items()}
        self.rng = random.Random(seed)
        self.noise = noise or (lambda rng: rng.gauss(0, sd))
        self.receipt = receipt(
            plan=plan or SessionPlan(),
            benchmarks=[*(Benchmark(name=name, pairs=PAIRS, calls=10) for name in changes), CONTROL],
        )

    def block(self, phase, names):
        measured = [name for name in self.changes if name in names or name == CONTROL.of]
        drawn = {name: self.changes[name] + self.noise(self.rng) for name in measured}
        drawn[NULL_CONTROL] = self.noise(self.rng)
        self.receipt.blocks.append(block(len(self.receipt.blocks), phase, drawn))

    def blocks(self, phase, count, names):
        for _ in range(count):
            self.block(phase, names)

    def run(self, looks):
        for phase, look in ((Phase.SCREEN, looks.screening), (Phase.CONFIRM, looks.confirming)):
            while names := look(self.receipt):
                self.block(phase, names)
        return self.receipt


def simulated(changes, policy=POLICY, **options):
    """A whole session under `policy`, as its conductor makes it."""
    simulation = Simulation(changes, **options)
    simulation.receipt.policy_sha256 = sha256(policy)
    return simulation.run(Looks(policy))


def verdicts(judgement, metric="wall"):
    """The verdict of each benchmark on one metric."""
    return {one.benchmark: one.verdict for one in judgement.comparisons if one.metric == metric}


def of(judgement, benchmark, metric="wall"):
    """The comparison of one benchmark and metric."""
    return next(one for one in judgement.comparisons if (one.benchmark, one.metric) == (benchmark, metric))


def steady(changes, *, screen=12, confirm=(), fresh=16, **fields):
    """A receipt without noise but for a small one that keeps its sign: d alternates by 0.1 %."""

    def made(number, phase, names):
        wobble = 0.001 * (-1) ** number
        drawn = {name: changes[name] + wobble for name in names} | {CONTROL.name: wobble}
        return block(number, phase, drawn)

    blocks = [made(number, Phase.SCREEN, changes) for number in range(screen)]
    blocks += [made(screen + number, Phase.CONFIRM, confirm) for number in range(fresh if confirm else 0)]
    benchmarks = [Benchmark(name=name, pairs=PAIRS) for name in changes]
    return receipt(blocks=blocks, benchmarks=[*benchmarks, CONTROL], **fields)


def changed(session, place, /, **fields):
    """Change fields of the block at a place."""
    session.blocks[place] = msgspec.structs.replace(session.blocks[place], **fields)


def segment(**metrics):
    """A valid load segment; `p50_ns=1` sets a metric of `all`."""
    values = {"throughput_per_s": 100.0, "p50_ns": 1e6, "p95_ns": 2e6, "p99_ns": 3e6, "error_share": 0.0}
    return Segment(values={"all": values | metrics}, counts={"all": 1000}, validity="valid")


def load_block(number, phase=Phase.SCREEN, **segments):
    """A block of load in which nothing changed, unless a segment is given."""
    sides = {"base": segment(), "candidate": segment(), "null": segment()} | segments
    return LoadBlock(number=number, phase=phase, seed=number, order=list(sides), **sides)


def count(base, candidate, **fields):
    """An exact metric of one operation."""
    return Count(
        **{
            "benchmark": "GET /a",
            "metric": "calls.dynamodb",
            "requests": 100,
            "base": list(base),
            "candidate": list(candidate),
        }
        | fields
    )
