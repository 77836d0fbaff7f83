"""Claim: shards and their merge keep the false alarm rate of one gate.

That of `harness/judge/merging.py`: shards measure fresh blocks until the evidence reaches count/alpha each by itself, and
the merge rejects by the means of the e-values of all candidates at alpha. So any false red in a whole gate has at most
alpha (1 %), whatever the number of shards and of candidates, and a true change is lost to the merge only where other shards
have many candidates without evidence.

Run: python tests/simulations/shards.py
"""

import random

from harness.stats.sequential import e_value, together

ALPHA, MOST_BLOCKS, GATES = 0.01, 24, 4_000
SIGN_UNDER_CHANGE = 0.96
"""Chance of a block in the right direction, for a change of 1.75 standard deviations of a block."""


def shard(rng, chances, count):
    """Return the e-value of each candidate, whose blocks have the sign in question with the chance given."""
    signs, values = [0] * len(chances), [1.0] * len(chances)
    for block in range(1, MOST_BLOCKS + 1):
        for place, chance in enumerate(chances):
            signs[place] += rng.random() < chance
            values[place] = e_value(signs[place], block)
        adjusted = together(dict(enumerate(values)))
        # Stops as a session does: all confirmed, or refuted by half a dozen blocks against them.
        if all(adjusted[place] >= count / ALPHA or values[place] < 0.1 for place in adjusted):
            break
    return values


def gates(rng, count, null, changed):
    """Return the shares of gates with a false red, and with the change found; without a merge, and with it."""
    false, alone, found = 0, 0, 0
    for _ in range(GATES):
        values = {}
        for number in range(count):
            chances = [0.5] * null + ([SIGN_UNDER_CHANGE] if changed and number == 0 else [])
            values |= {(number, place): one for place, one in enumerate(shard(rng, chances, count))}
        adjusted = together(values)
        target = (0, null)
        false += any(one >= 1 / ALPHA for key, one in adjusted.items() if not changed or key != target)
        if changed:
            alone += values[target] >= count / ALPHA
            found += adjusted[target] >= 1 / ALPHA
    return false / GATES, alone / GATES, found / GATES


def main():
    rng = random.Random(1)
    print("shards  null candidates each  change  false red  found in its shard  found by the merge")
    for count, null, changed in ((1, 1, False), (2, 3, False), (8, 1, False), (8, 5, False), (1, 0, True), (4, 1, True), (8, 1, True), (8, 5, True)):  # fmt: skip
        false, alone, found = gates(rng, count, null, changed)
        shown = f"{alone:18.3f}  {found:18.3f}" if changed else ""
        print(f"{count:6d}  {null:20d}  {'one' if changed else '-':>6}  {false:9.4f}  {shown}")


if __name__ == "__main__":
    main()
