"""Load sessions on simulated servers whose launches differ: what the judge makes of each way to launch them."""

import enum
import math
import random

from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.policy.policy import Policy
from harness.session.receipt import LoadBlock, Phase, Segment, SessionPlan
from tests.support.judge import receipt


class Launches(enum.StrEnum):
    """When servers are launched, and which of them the null control asks."""

    SHARED = "one launch a side, null from the base's server"
    THIRD = "one launch a side, null from a third server"
    FRESH = "three fresh servers in each block"


def session(launches, change=0.0, *, launch_sd=0.02, segment_sd=0.01, seed=0):
    """Return the judgement of a whole session of the load suite.

    The median of a segment is that of the code times the factor of its launch times noise: `launch_sd` and `segment_sd` are
    standard deviations of their logarithms. The candidate is slower by `change`.
    """
    rng, policy = random.Random(f"{launches} {change} {seed}"), Policy()
    found = receipt(suites=["load"], plan=SessionPlan())
    looks = Looks(policy)

    def launched():
        base, candidate, third = (rng.gauss(0, launch_sd) for _ in range(3))
        return {"base": base, "candidate": candidate, "null": base if launches is Launches.SHARED else third}

    servers = launched()

    def block(phase):
        nonlocal servers
        if launches is Launches.FRESH:
            servers = launched()
        true = {"base": 0.0, "candidate": math.log1p(change), "null": 0.0}
        segments = {
            label: Segment(
                values={
                    "all": {"p50_ns": 1e6 * math.exp(true[label] + servers[label] + rng.gauss(0, segment_sd))}
                },
                counts={"all": 1000},
                validity="valid",
            )
            for label in servers
        }
        number = len(found.load_blocks)
        found.load_blocks.append(
            LoadBlock(number=number, phase=phase, seed=number, order=list(segments), **segments)
        )

    for _ in range(found.plan.load_blocks):
        block(Phase.SCREEN)
    while looks.confirming_load(found):
        block(Phase.CONFIRM)
    return judge(found, policy)


def verdict(judgement):
    """Return the verdict on the median."""
    (one,) = [one for one in judgement.comparisons if one.metric == "p50"]
    return str(one.counts_as)
