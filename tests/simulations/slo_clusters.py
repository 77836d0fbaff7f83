"""Claim: where calls exceed a limit in clusters, limits are certified or broken falsely in 5 % of runs at most.

Runs whose true share of calls over the limit is known exactly: a single server (M/M/1, whose response time is
exponential), bursts of slow calls, independent calls. The limit is `p99<25ms`. For each the table has how often it
is certified and broken by the product's code, and by the bound of Clopper and Pearson on the counts of calls as if
they were independent. Run it with `python tests/simulations/slo_clusters.py [RUNS]`; 500 runs take about two minutes.

In the rows of 1 % both must be 5 % at most (4 % of sampling error in 500 runs). Bursts that are rarer than a run can
meet are certified falsely whatever the method: their rows say so.
"""

import itertools
import math
import sys

import numpy as np

from harness.policy.certificates import certify
from harness.policy.slo import STRETCHES, LimitCount, State, parse
from harness.reading.counting import Tally
from harness.stats.proportion import lower_bound, upper_bound

(CLAUSE,) = parse("p99<25ms")
RNG = np.random.default_rng(3)


def queue(calls, load):
    """Return the response times of a single server, in units of its mean service time, and when calls arrive."""
    gap, service = RNG.exponential(1 / load, calls), RNG.exponential(1.0, calls)
    # The queue is in its steady state from the first call on.
    first = RNG.exponential(1 / (1 - load)) * (RNG.random() < load)
    walk = first + np.concatenate([[0], np.cumsum(service[:-1] - gap[1:])])
    waiting = walk - np.minimum(np.minimum.accumulate(walk), 0)
    return waiting + service, np.cumsum(gap)


def of_queue(calls, load, share):
    response, when = queue(calls, load)
    return response, when, -math.log(share) / (1 - load)


def of_bursts(calls, size, share, singles=0.0):
    """Bursts of geometric size, beside single calls over the limit."""
    response, when = RNG.exponential(1.0, calls), np.cumsum(RNG.exponential(1.0, calls))
    limit = -math.log(singles) if singles else 50.0
    for start in np.flatnonzero(RNG.random(calls) < (share - singles) / size):
        response[start : start + RNG.geometric(1 / size)] += limit
    return response, when, limit


def of_independent(calls, share):
    return RNG.exponential(1.0, calls), np.cumsum(RNG.exponential(1.0, calls)), -math.log(share)


def counted(response, when, limit, segments=1):
    """Return the counts of a run, or of a run cut into segments of equal length."""
    edges = np.linspace(0, when[-1] * (1 + 1e-12), segments + 1)
    parts = [(when >= low) & (when < high) for low, high in itertools.pairwise(edges)]
    return [count(response[part], when[part] - when[part][0], limit) for part in parts if part.any()]


def count(response, when, limit):
    tally = Tally()
    stretch = np.minimum((when / max(when[-1], 1e-9) * STRETCHES).astype(int), STRETCHES - 1)
    tally.add(stretch, response > limit)
    tally.add_slow(stretch, (response * 1e6).astype(np.int64), np.ones(len(response), bool))
    return LimitCount(
        clause=CLAUSE.text, operation="all", calls=len(response), exceeding=int((response > limit).sum()),
        seconds=float(when[-1]), stretches=tally.stretches(CLAUSE.share),
    )  # fmt: skip


def states(run, segments=1):
    """Return whether it is certified and broken, by stretches and as if calls were independent."""
    counts = counted(*run, segments)
    found = certify(CLAUSE, counts)
    calls, exceeding = found.calls, found.exceeding
    return (
        found.state is State.CERTIFIED,
        found.state is State.BROKEN,
        upper_bound(exceeding, calls) <= CLAUSE.share,
        lower_bound(exceeding, calls) > CLAUSE.share,
    )


def cases():
    """Yield each row: its name, what makes a run, the number of segments."""
    for calls, load in itertools.product((400, 3_000, 10_000, 50_000), (0.3, 0.5, 0.7, 0.85, 0.95)):
        yield f"queue at {load:.0%}, {calls:,} calls: 1 %", (of_queue, calls, load, 0.01), 1
    for load, share in itertools.product((0.5, 0.7, 0.85), (1e-7, 0.003, 0.008, 0.012, 0.02, 0.05)):
        yield f"queue at {load:.0%}, 10,000 calls: {share:.1%}", (of_queue, 10_000, load, share), 1
    for load, segments in itertools.product((0.5, 0.85), (4, 12, 24)):
        name = f"queue at {load:.0%}, {segments} segments of 1,000 calls: 1 %"
        yield name, (of_queue, 1_000 * segments, load, 0.01), segments
    for calls, size in ((3_000, 5), (10_000, 5), (10_000, 16), (30_000, 50)):
        yield f"bursts of {size}, {calls:,} calls: 1 %", (of_bursts, calls, size, 0.01), 1
    for calls, size in ((3_000, 20), (10_000, 50)):
        yield f"bursts of {size}, {calls:,} calls: 1 %, rarer than met", (of_bursts, calls, size, 0.01), 1
    for calls, size in ((10_000, 5), (10_000, 16)):
        name = f"bursts of {size} and 0.3 % singles, {calls:,} calls: 1 %"
        yield name, (of_bursts, calls, size, 0.01, 0.003), 1
    for calls, share in itertools.product(
        (1_000, 3_000, 10_000), (1e-7, 0.003, 0.005, 0.007, 0.01, 0.013, 0.02)
    ):
        yield f"independent, {calls:,} calls: {share:.1%}", (of_independent, calls, share), 1


def main(runs):
    say = sys.stdout.write
    say(f"{'':56}{'by stretches':>18}{'independent':>18}\n")
    say(f"{f'limit 1 %, {runs} runs each':56}" + f"{'certified':>10}{'broken':>8}" * 2 + "\n")
    for name, (make, *facts), segments in cases():
        found = np.mean([states(make(*facts), segments) for _ in range(runs)], axis=0)
        say(f"{name:56}" + "".join(f"{share:9.1%}" for share in found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
