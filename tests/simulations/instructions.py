"""How often the rule for instructions is wrong, on counts of real processes: backs the claims of `harness.judge.instructions`.

`COUNTS` are the instructions of a call of the twenty workloads of `harness calibrate`, in six processes of the same code whose
memory layouts differ (CPython 3.11, x86-64). A comparison draws six of a workload's counts for each side with replacement, as if
no layout were shared: that is the worst case, since both sides of a pair have one layout, and identical code then counts alike.
The first three pairs decide alone where each is near zero, as in a session. Run `python tests/simulations/instructions.py`.
"""

import math
import random
import statistics

from harness.exact.metrics import INSTRUCTIONS
from harness.instructions.amounts import MOST_PAIRS, PAIRS
from harness.instructions.suite import NEAR
from harness.judge.exact import exact_comparisons
from harness.policy.policy import Policy
from harness.session.receipt import Count

COUNTS = {
    "attribute_calls": (324263, 324300, 324312, 324301, 324276, 324207),
    "struct_pack": (333250, 332687, 333638, 333588, 333009, 333418),
    "list_comprehension": (394499, 395101, 394342, 394599, 395038, 394344),
    "json_loads": (687919, 687850, 687559, 687326, 688647, 688264),
    "bisect": (710262, 709926, 709534, 709085, 709609, 709358),
    "fibonacci": (1074754, 1074755, 1074754, 1074757, 1074756, 1074759),
    "sha256": (1165251, 1165280, 1165213, 1165222, 1165312, 1165206),
    "dict_build": (1421205, 1421808, 1425272, 1424850, 1425273, 1425200),
    "decimal": (1539632, 1539384, 1539400, 1539528, 1539633, 1539636),
    "product": (1951263, 1951286, 1951261, 1951268, 1951268, 1951268),
    "primes": (2179389, 2180142, 2185934, 2185560, 2180052, 2183190),
    "dates": (2613730, 2614243, 2613450, 2613950, 2614042, 2615180),
    "dataclasses": (3742895, 3746027, 3746226, 3742452, 3748075, 3745514),
    "format": (5775778, 5768925, 5778215, 5773488, 5779513, 5778753),
    "heap": (6797091, 6796668, 6794600, 6792267, 6797854, 6798095),
    "moving_average": (8944505, 8944396, 8944330, 8944472, 8944374, 8944374),
    "regular_expression": (9258306, 9420067, 9357168, 9419107, 9407129, 9436990),
    "json_dumps": (20416046, 20380347, 20205402, 20531089, 20323051, 20719177),
    "sort": (27453397, 27450577, 27449805, 27449738, 27451668, 27452125),
    "compress": (30043114, 29973049, 30015746, 30015756, 30109516, 30049773),
}
SESSIONS = 2_000
EFFECTS = (0.0, 0.003, 0.005, 0.01, 0.03)
NORMALS = 200_000


def verdict(counts: tuple[int, ...], effect: float, rng: random.Random) -> str:
    """Return the verdict on one comparison, with as many pairs as a session would count."""
    base = rng.choices(counts, k=MOST_PAIRS)
    candidate = [one * (1 + effect) for one in rng.choices(counts, k=MOST_PAIRS)]
    is_near = all(
        abs(math.log(after / before)) <= NEAR
        for before, after in zip(base[:PAIRS], candidate[:PAIRS], strict=True)
    )
    pairs = PAIRS if is_near else MOST_PAIRS
    count = Count(
        benchmark="b", metric=INSTRUCTIONS, requests=1, base=base[:pairs], candidate=candidate[:pairs]
    )
    return str(exact_comparisons([count], Policy())[0].verdict)


def by_chance(rng: random.Random) -> float:
    """Return the share of six pairs of normal noise of which each shows more than the pairs differ, one way."""
    drawn = ([rng.gauss(0, 1) for _ in range(MOST_PAIRS)] for _ in range(NORMALS))
    return statistics.fmean(min(one) > max(one) - min(one) for one in drawn)


def main() -> None:
    """Print the share of verdicts for each effect, for all workloads and for those that never come out regressed or ok."""
    rng = random.Random(20_240_229)
    print(f"six pairs of normal noise, one way: {by_chance(rng):.6f}")
    print(
        f"{'effect':>8} {'regressed':>10} {'improved':>10} {'ok':>8} {'open':>8}   workloads found less than always"
    )
    for effect in EFFECTS:
        found = {name: [verdict(one, effect, rng) for _ in range(SESSIONS)] for name, one in COUNTS.items()}
        every = [one for verdicts in found.values() for one in verdicts]
        shares = [every.count(word) / len(every) for word in ("regressed", "improved", "ok", "inconclusive")]
        missed = {name: one.count("regressed") / SESSIONS for name, one in found.items()}
        shown = (
            ", ".join(f"{name} {share:.2f}" for name, share in missed.items() if share < 1)
            if effect >= 0.005
            else ""
        )
        print(
            f"{effect:8.1%} {shares[0]:10.5f} {shares[1]:10.5f} {shares[2]:8.3f} {shares[3]:8.3f}   {shown}"
        )


if __name__ == "__main__":
    main()
