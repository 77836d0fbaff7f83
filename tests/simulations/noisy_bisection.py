"""Claim: noisy bisection finds one commit of +5 % among 32 at least 98 times in 100, and says so when it cannot.

Blocks are drawn from recorded ones: deviations of block changes from their median, of real sessions on two projects, on a shared
machine with a load of ten for two cores. They are taken as they are, and scaled to the spread of a quiet machine and beyond. The
search is the product's; the ends have 12 blocks. The table has the share of right answers, of ranges that hold the commit, of wrong
answers, and the number of probes (two blocks each).

Beside it the classic bisection, which believes the median of three blocks of each step.

Run it with `python tests/simulations/noisy_bisection.py [SEARCHES]`; 400 searches take about half a minute.
"""

import random
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from harness.bisect.search import BLOCKS, Search

RECORDED = (
    -0.00088, 0.00793, -0.0174, 0.00018, -0.01108, 0.00425, 0.00246, -0.00214, -0.00408, 0.00165, 0.0, -0.17924,
    0.01233, -0.01233, 0.05328, 0.00559, 0.00121, -0.00131, -0.00101, 0.01566, -0.00074, 0.00075, -0.00191, 0.00254,
    -0.00348, 0.0, -0.00936, 0.00936, -0.00978, 0.01511,
)  # fmt: skip
COMMITS = 32


def blocks(rng, level, count, scale):
    return [level + scale * rng.choice((-1, 1)) * rng.choice(RECORDED) for _ in range(count)]


def searched(seed, effect, scale, broken):
    """Return whether the answer is right, holds the commit in a range, or is wrong, and the number of probes."""
    rng = random.Random(seed)
    culprit = rng.randint(1, COMMITS)
    skipped = set(rng.sample(range(1, COMMITS), broken))
    search = Search(COMMITS, False, {0: blocks(rng, effect, 12, scale)})
    while (state := search.next()) is not None:
        search.probes += 1
        if state in skipped:
            search.skipped[state] = "it does not build"
        else:
            search.changes.setdefault(state, []).extend(
                blocks(rng, effect if state < culprit else 0.0, BLOCKS, scale)
            )
    answer = search.answer()
    if answer.first <= culprit <= answer.last:
        return ("right" if answer.first == answer.last else "range"), search.probes
    return "wrong", search.probes


def classic(seed, effect, scale):
    rng = random.Random(seed)
    culprit, low, high, steps = rng.randint(1, COMMITS), 0, COMMITS, 0
    while high - low > 1:
        middle, steps = (low + high) // 2, steps + 1
        changed = statistics.median(blocks(rng, effect if middle < culprit else 0.0, 3, scale)) < effect / 2
        low, high = (low, middle) if changed else (middle, high)
    return high == culprit, steps


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    for effect in (0.05, 0.03, 0.02):
        for scale in (0.5, 1.0, 2.0):
            for broken in (0, 5):
                found = [searched(seed, effect, scale, broken) for seed in range(count)]
                shares = {
                    word: sum(one == word for one, _ in found) / count for word in ("right", "range", "wrong")
                }
                probes = statistics.fmean(number for _, number in found)
                plain = (
                    sum(classic(seed, effect, scale)[0] for seed in range(count)) / count
                    if not broken
                    else None
                )
                beside = f"  classic {plain:5.3f}" if plain is not None else ""
                print(
                    f"{effect:+.0%}, noise x {scale:3.1f}, {broken} do not build: right {shares['right']:5.3f}  range {shares['range']:5.3f}  "
                    f"wrong {shares['wrong']:5.3f}  probes {probes:4.1f}{beside}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
