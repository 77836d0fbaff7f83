"""Claim: over these targets the interval of a search for capacity holds the true capacity in 90 % of searches.

Searches by the product's code against simulated probes of 10 s. The capacity of a single server (M/M/1) for `p99<T` is
known exactly: its response time is exponential with rate mu - lambda. "load" is the server's load at its capacity; with
"varies 3 %" each probe has another service rate, as processes do. Independent calls have a share over the limit that grows
with a power of the rate. For each the table has how often the interval holds the truth, its median width, its 90 %
quantile, and the number of probes; for comparison, how often the gap between the highest rate that held and the lowest
that broke holds it, if calls are counted as independent. `python tests/simulations/capacity.py [SEARCHES]` takes about
eight minutes for 100.
"""

import math
import sys

import numpy as np

from harness.capacity.estimate import estimate
from harness.capacity.search import Bounds, Interval, interval
from harness.capacity.seen import Counts, Seen, Sight
from harness.capacity.steps import next_step
from harness.policy.certificates import certify
from harness.policy.slo import STRETCHES, LimitCount, State, parse
from harness.reading.counting import Tally
from harness.stats.crossing import Point
from harness.stats.proportion import lower_bound, upper_bound

(CLAUSE,) = parse("p99<25ms")
RNG = np.random.default_rng(17)
SIGHTS = {State.CERTIFIED: Sight.HELD, State.BROKEN: Sight.BROKE, State.NOT_CERTIFIED: Sight.OPEN}
WARMUP_S = 2.0


def of_queue(rate, truth, load, seconds, varies=0.0):
    """Return when calls arrive and how long they take, in units of the limit, at a single server."""
    served = truth / load
    limit = -math.log(CLAUSE.share) / (served - truth)
    served *= math.exp(varies * RNG.normal())
    calls = max(RNG.poisson(rate * (seconds + WARMUP_S)), 2)
    when = np.sort(RNG.random(calls)) * (seconds + WARMUP_S) - WARMUP_S
    service = RNG.exponential(1 / served, calls)
    walk = np.concatenate([[0], np.cumsum(service[:-1] - np.diff(when))])
    response = walk - np.minimum(np.minimum.accumulate(walk), 0) + service
    measured = when >= 0
    return when[measured], response[measured] / limit


def of_independent(rate, truth, power, seconds):
    calls = max(RNG.poisson(rate * seconds), 1)
    logit = math.log(CLAUSE.share / (1 - CLAUSE.share)) + power * math.log(rate / truth)
    share = 1 / (1 + math.exp(-max(min(logit, 7.0), -700.0)))
    response = RNG.exponential(1.0, calls) / -math.log(share)
    return np.sort(RNG.random(calls)) * seconds, response


def probe(rate, when, response, seconds):
    tally = Tally()
    stretch = np.minimum((when / seconds * STRETCHES).astype(int), STRETCHES - 1)
    tally.add(stretch, response > 1)
    tally.add_slow(stretch, (response * 1e6).astype(np.int64), np.ones(len(response), bool))
    count = LimitCount(
        clause=CLAUSE.text, operation="all", calls=len(response), exceeding=int((response > 1).sum()),
        seconds=seconds, stretches=tally.stretches(CLAUSE.share),
    )  # fmt: skip
    found = certify(CLAUSE, [count])
    point = Point(rate, found.calls, found.exceeding, found.variance, found.slow_effect)
    return Seen(rate, SIGHTS[found.state], (Counts(CLAUSE.text, CLAUSE.share, point),))


def as_independent(one):
    point = one.counts[0].point
    held = upper_bound(point.successes, point.trials) <= CLAUSE.share
    broke = lower_bound(point.successes, point.trials) > CLAUSE.share
    return Seen(one.rate_per_s, Sight.HELD if held else Sight.BROKE if broke else Sight.OPEN)


def search(look, truth):
    start = truth * RNG.uniform(0.1, 0.9)
    seen, bounds = [], Bounds(start, start / 16, 1e6)
    while step := next_step(seen, bounds):
        seen.append(look(step.rate_per_s))
    return seen


def row(make, facts, truth, seconds, searches):
    holds, gaps, widths, probes = 0, 0, [], []
    for _ in range(searches):
        seen = search(lambda rate: probe(rate, *make(rate, truth, *facts), seconds), truth)
        found = estimate(seen)
        low, high = found.low_per_s or 0.0, found.high_per_s or math.inf
        gap: Interval = interval([as_independent(one) for one in seen])
        holds += low <= truth <= high
        gaps += (gap.held_per_s or 0.0) <= truth <= (gap.broke_per_s or math.inf)
        widths.append(high / low - 1 if low else math.inf)
        probes.append(len(seen))
    return (
        holds / searches,
        np.quantile(widths, 0.5, method="lower"),
        np.quantile(widths, 0.9, method="lower"),
        np.mean(probes),
        gaps / searches,
    )


CASES = (
    ("queue, load 58 %", of_queue, (0.58, 10.0), 576.0, 10.0),
    ("queue, load 80 %", of_queue, (0.8, 10.0), 576.0, 10.0),
    ("queue, load 90 %", of_queue, (0.9, 10.0), 576.0, 10.0),
    ("queue, load 58 %, varies 3 %", of_queue, (0.58, 10.0, 0.03), 576.0, 10.0),
    ("queue, load 90 %, varies 3 %", of_queue, (0.9, 10.0, 0.03), 576.0, 10.0),
    ("queue, load 80 %, 60/s, probes of 60 s", of_queue, (0.8, 60.0), 60.0, 60.0),
    ("independent, power 3", of_independent, (3, 10.0), 576.0, 10.0),
    ("independent, power 20", of_independent, (20, 10.0), 576.0, 10.0),
    ("independent, power 300", of_independent, (300, 10.0), 576.0, 10.0),
)


def main(searches):
    sys.stdout.write(f"{'':40}{'holds':>8}{'width':>8}{'q90':>8}{'probes':>8}{'gap holds':>11}\n")
    for name, make, facts, truth, seconds in CASES:
        holds, width, wide, probes, gaps = row(make, facts, truth, seconds, searches)
        sys.stdout.write(f"{name:40}{holds:8.0%}{width:8.1%}{wide:8.1%}{probes:8.1f}{gaps:11.0%}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
