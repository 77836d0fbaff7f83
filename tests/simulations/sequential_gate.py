"""Claim: a session that stops when its evidence decides keeps its false alarms, and needs about half of the blocks.

Sessions of simulated block changes, judged by the product's code: by the sequential rule (8 to 24 blocks to screen, up to
24 fresh ones), and by a fixed number of 16 and 16. Noise is normal, or has one-sided bursts on either side, or drifts for
several blocks. The table has the shares of verdicts of one benchmark, and the blocks that it took.
Run it with `python tests/simulations/sequential_gate.py [SESSIONS]`; 400 sessions take about three minutes.

In the rows without a change nothing may be regressed or improved in more than 1 % of sessions, and +5 % must be regressed in
99 % where a block scatters by 1 or 2 %.
"""

import functools
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.policy.policy import Policy
from harness.session.receipt import Phase, Rule, SessionPlan
from tests.support.judge import simulated

POLICIES = {"sequential": Policy(), "fixed 16 + 16": Policy(blocks=16)}
FIXED = SessionPlan(rule=Rule.FIXED, screen_blocks=16, confirm_blocks=16)


def normal(rng, sd):
    return rng.gauss(0, sd)


def bursts(rng, sd):
    """A fifth of all slots is slowed by up to 30 %."""
    base, candidate = (rng.gauss(0, sd) + (0.3 * rng.random() if rng.random() < 0.2 else 0) for _ in range(2))
    return candidate - base


class Drifting:
    """A disturbance that stays for several blocks, and is on either side by the order that the session draws."""

    def __init__(self):
        self.size = 0.0

    def __call__(self, rng, sd):
        self.size = 0.8 * self.size + rng.gauss(0, sd)
        return rng.choice((-1, 1)) * abs(self.size) + rng.gauss(0, sd)


def study(name, change, noise, sd, sessions):
    """Print the verdicts on one benchmark, whose change is known, by each rule."""
    for rule, policy in POLICIES.items():
        found, screened, fresh = Counter(), 0, 0
        for seed in range(sessions):
            plan = FIXED if policy.blocks else None
            session = simulated(
                {"a": change}, policy, plan=plan, seed=seed, noise=functools.partial(noise(), sd=sd)
            )
            judgement = judge(session, policy)
            # The controls are judged too: a dirty one withholds the verdict.
            found[next(one.verdict for one in judgement.comparisons if one.metric == "wall")] += 1
            screened += sum(block.phase is Phase.SCREEN for block in session.blocks)
            fresh += sum(block.phase is Phase.CONFIRM for block in session.blocks)
        shares = "  ".join(
            f"{100 * found[verdict] / sessions:5.1f}"
            for verdict in (Verdict.OK, Verdict.REGRESSED, Verdict.IMPROVED, Verdict.INCONCLUSIVE)
        )
        print(
            f"{name:10} {100 * sd:3.1f} %  {100 * change:+5.1f} %  {rule:14} {shares}   "
            f"{screened / sessions:5.1f} + {fresh / sessions:4.1f}",
            flush=True,
        )


def main():
    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print("noise      spread  change  rule             ok   regr.   impr.  incon.   blocks (screen + fresh)")
    rows = [
        ("normal", lambda: normal, (0.01, 0.02, 0.04)),
        ("bursts", lambda: bursts, (0.01,)),
        ("drifting", Drifting, (0.01,)),
    ]
    for name, noise, spreads in rows:
        for sd in spreads:
            for change in (0.0, 0.03, 0.05, -0.05):
                study(name, change, noise, sd, sessions)


if __name__ == "__main__":
    main()
