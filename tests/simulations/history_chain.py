"""Claim: the growth that `harness history` reports since the reference has an interval of 95 %, with and without anchors.

The effect of a step is estimated from the first eight blocks of its session, of which there is the same number in every session: the
first table has the mean error of the growth, the root of its mean square, the mean half width of its interval, and the share of chains
whose interval holds the truth, which must be near 0.95 and not below 0.90. Noise between blocks is normal, or the spread differs
from session to session by a factor of three, or a fifth of all slots has bursts. The mean over all blocks of sessions that stop
when their evidence decides is too low by a tenth of a block's spread: over ten steps of 1 % spread by 0.3 to 0.9 %, more with each step.

The second table goes through the gate: whole sessions, judged by the product's code, and in how many chains any gate reported a
step, and `history check` the growth (allowed: 10 %).

The last rows: change points that are found on 200 anchored levels without a change (at most 2 in 100), and with a step of 1 %
(at least 95 in 100); on chained levels without a change the same search finds one nearly always, so it is never made there.

Run it with `python tests/simulations/history_chain.py [CHAINS]`; 300 chains take about three minutes.
"""

import functools
import itertools
import math
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from harness.history.courses import Around, build
from harness.history.document import Standing, standing
from harness.history.ledger import Ledger
from harness.history.location import location, spread
from harness.history.making import entries_of
from harness.history.segments import change_points
from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.policy.history import HistoryRules
from tests.support.judge import POLICY, simulated
from tests.support.ledgers import entry, state

STEPS = 10


def normal(rng, sd, factor):
    return rng.gauss(0, sd)


def bursts(rng, sd, factor):
    """A fifth of all slots is slowed by up to 30 %."""
    base, candidate = (rng.gauss(0, sd) + (0.3 * rng.random() if rng.random() < 0.2 else 0) for _ in range(2))
    return candidate - base


def uneven(rng, sd, factor):
    """The spread of a session is its own."""
    return rng.gauss(0, sd * factor)


def lines(number, base, change, noise, sd, seed):
    """The lines of one session between two states, and whether the gate reported a regression."""
    factor = random.Random(seed).choice((0.6, 1.0, 1.8))
    receipt = simulated({"a": change}, seed=seed, noise=functools.partial(noise, sd=sd, factor=factor))
    receipt.started_at = f"2026-11-01T00:00:{seed % 60:02d}+00:00"
    judged = judge(receipt, POLICY)
    found = entries_of(receipt, judged, (state(base), state(number)))
    reported = any(one.verdict is Verdict.REGRESSED for one in judged.comparisons)
    return [entry for entry in found if entry.metric == "wall"], reported


def chain(seed, step, noise, sd):
    """The ledger of one chain, and whether any gate reported a step of it."""
    entries, reported = [], False
    for number in range(1, STEPS + 1):
        more, is_reported = lines(number, number - 1, step, noise, sd, 1_000 * seed + number)
        entries, reported = entries + more, reported or is_reported
    return entries, reported


def grown(entries):
    """The first course of a ledger."""
    return build(Ledger(tuple(entries)), Around(HistoryRules(allow_percent=10.0))).courses[0]


def through_the_gate(step, sd, chains):
    seen = over = 0
    for seed in range(chains):
        entries, reported = chain(seed, step, normal, sd)
        seen += reported
        over += standing(grown(entries), 0.10) is Standing.GREW
    print(
        f"{step:+.0%} a step, spread {sd:.1%}: reported by a gate {seen / chains:4.2f}, by the check {over / chains:4.2f}",
        flush=True,
    )


def coverage(name, noise, chains, *, steps=STEPS, anchored=False):
    """Chains of sessions of which only the first blocks are simulated: the rest of a session changes nothing."""
    errors, widths, held = [], [], 0
    for seed in range(chains):
        rng, entries = random.Random(7_919 * seed + 13), []
        for number in range(1, steps + 1):
            entries.append(session(rng, number, number - 1, 0.02, noise))
            if anchored and number % 5 == 0:
                entries.append(session(rng, number, 0, 0.02 * number, noise))
        last = grown(entries).last
        errors.append(math.log1p(last.change) - 0.02 * steps)
        widths.append((math.log1p(last.high) - math.log1p(last.low)) / 2)
        held += math.log1p(last.low) <= 0.02 * steps <= math.log1p(last.high)
    rms = math.sqrt(sum(error**2 for error in errors) / chains)
    print(
        f"{name:40} error {sum(errors) / chains:+7.2%}, rms {rms:6.2%}, interval ±{sum(widths) / chains:6.2%}, holds {held / chains:5.3f}",
        flush=True,
    )


def session(rng, number, base, effect, noise):
    factor = rng.choice((0.6, 1.0, 1.8))
    values = [effect + noise(rng, 0.01, factor) for _ in range(8)]
    return entry(
        number, location(values), base=base, spread=spread(values), blocks=8, session=f"{number} on {base}"
    )


def segments(series):
    """Print how often change points are found in levels measured against the reference, and in chained ones."""
    found = {"anchored": 0, "anchored, +1 %": 0, "chained": 0}
    for seed in range(series):
        rng = random.Random(seed)
        steps = [rng.gauss(0, 0.005) for _ in range(200)]
        found["anchored"] += bool(change_points(steps))
        found["anchored, +1 %"] += bool(
            change_points([value + 0.01 * (place >= 120) for place, value in enumerate(steps)])
        )
        found["chained"] += bool(change_points(list(itertools.accumulate(steps))))
    for name, count in found.items():
        print(f"change points, {name:29} found in {count / series:5.2f} of {series} series of 200 levels")


def main():
    chains = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    for name, noise in (("normal", normal), ("uneven", uneven), ("bursts", bursts)):
        coverage(f"{name}, 10 steps", noise, chains)
        coverage(f"{name}, 10 steps, an anchor at every 5th", noise, chains, anchored=True)
    coverage("normal, 1 step", normal, chains, steps=1)
    coverage("uneven, 40 steps", uneven, chains, steps=40)
    coverage("uneven, 40 steps, an anchor at every 5th", uneven, chains, steps=40, anchored=True)
    for step in (0.02, 0.0):
        through_the_gate(step, 0.004, max(chains // 30, 1))
    segments(chains)


if __name__ == "__main__":
    main()
