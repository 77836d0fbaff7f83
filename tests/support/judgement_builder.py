"""Makes judgements and receipts by hand, for tests of what reads them."""

import random

from harness.errors import ExitCode
from harness.judge.verdict import Comparison, Controls, Judgement, Kind, Site, Verdict
from harness.session.receipt import (
    NULL_CONTROL,
    Benchmark,
    Block,
    FunctionChange,
    Phase,
    SessionPlan,
    Slices,
    SubjectFacts,
    Suspects,
)
from tests.support import judge as judge_support

MS = 1_000_000


def paired(name="bench_list", verdict=Verdict.OK, change=0.002, **more):
    """Return a comparison of blocks around `change`, confirmed unless it is `ok`."""
    rng = random.Random(name)
    confirmed = verdict in {Verdict.REGRESSED, Verdict.IMPROVED}
    count = more.pop("blocks", 16 if confirmed else 12)
    spread = more.pop("spread", 0.006)
    facts = {
        "metric": "wall", "kind": Kind.PAIRED, "base": 1.2 * MS, "candidate": 1.2 * MS * (1 + change), "change": change,
        "low": change - spread, "high": change + spread, "blocks": count, "p": 0.0002 if confirmed else 0.3,
        "margin": 0.025, "detectable": 0.031,
        "changes": tuple(rng.gauss(change, spread) for _ in range(count)),
        "screened": tuple(rng.gauss(change, spread) for _ in range(12)) if confirmed else (),
    }  # fmt: skip
    return Comparison(name, verdict=verdict, **{**facts, **more})


def exact(name="GET /assets", verdict=Verdict.OK, base=2.0, candidate=2.0, **more):
    """Return a comparison of counted calls."""
    facts = {
        "metric": "calls.dynamodb", "kind": Kind.EXACT, "base": base, "candidate": candidate, "unit": "per request",
        "change": (candidate / base - 1) if base else None, "low": None, "high": None,
    }  # fmt: skip
    return Comparison(name, verdict=verdict, **{**facts, **more})


def controls(**more):
    """Return clean controls."""
    rng = random.Random(5)
    facts = {
        "null_clean": True, "null_change": 0.0012, "null_p": 0.39,
        "null_changes": tuple(rng.gauss(0.001, 0.004) for _ in range(12)), "bad_blocks": 0.0,
    }  # fmt: skip
    return Controls(**{**facts, **more})


def judgement(*comparisons, verdict=Verdict.OK, code=ExitCode.OK, **more):
    """Return a judgement as a whole; verdict and exit code are the caller's."""
    return Judgement(verdict, code, tuple(comparisons), more.pop("controls", None) or controls(), **more)


def regressed_session():
    """Return the judgement that most pages are looked at with: one of everything."""
    sites = (Site("assets/reads.py:get_many", 1.0, 2.0), Site("assets/reads.py:get_one", 1.0, 1.0))
    return judgement(
        paired("bench_merge", Verdict.REGRESSED, 0.041, low=0.032, high=0.05),
        exact("GET /assets", Verdict.REGRESSED, 2.0, 3.0, sites=sites, note="1 more call per request"),
        paired("bench_serialise", Verdict.INCONCLUSIVE, 0.012, spread=0.02, blocks=24, blocks_needed=64),
        paired("bench_audit", Verdict.REGRESSED, 0.12, accepted="the new audit trail costs this"),
        paired("bench_sign", Verdict.IMPROVED, -0.082),
        *(paired(f"bench_plain_{number}", change=number / 3000) for number in range(6)),
        exact("GET /health", base=0.0, candidate=0.0),
        Comparison("bench_new", "wall", Kind.PAIRED, Verdict.NEW, note="the base cannot import it"),
        verdict=Verdict.REGRESSED,
        code=ExitCode.LIMIT_BROKEN,
        suspects=(
            Suspects(
                benchmark="bench_merge",
                metric="wall",
                functions=[
                    FunctionChange(
                        function="merge.py:combine", base=0.8 * MS, candidate=0.85 * MS, unit="ns"
                    ),
                    FunctionChange(
                        function="keys.py:normalise", base=0.1 * MS, candidate=0.09 * MS, unit="ns"
                    ),
                ],
            ),
        ),
    )


def slices(change=0.0):
    """Return one benchmark's slices in one block."""
    return Slices(
        base_ns=[3 * MS] * 40, candidate_ns=[round(3 * MS * (1 + change))] * 40, first=[0, 1] * 20
    )  # fmt: skip


def receipt(**more):
    """Return a receipt of 12 blocks."""
    blocks = [
        Block(number=number, phase=Phase.SCREEN, seed=number, cpu=0, spawned=["base", "candidate"], slices={"bench_list": slices(), NULL_CONTROL: slices()})
        for number in range(12)
    ]  # fmt: skip
    facts = {
        "command": "harness gate --base main", "started_at": "2026-03-01T10:20:30Z", "seed": 7, "suites": ["micro", "exact"],
        "base": SubjectFacts(spec="git:main", label="main", revision="0123456789abcdef"),
        "candidate": SubjectFacts(spec="path:.", label="working tree", revision="fedcba9876543210+changes"),
        "environment": {"cpu": "Example CPU", "cores": 2, "packages": {"boto3": "1.40.0"}},
        "policy": {"strict": False}, "policy_sha256": "ab" * 32, "plan": SessionPlan(),
        "benchmarks": [Benchmark(name="bench_list"), Benchmark(name=NULL_CONTROL, of="bench_list")],
        "blocks": blocks, "finished": True, "harness_seconds": 83.0,
    }  # fmt: skip
    return judge_support.receipt(**{**facts, **more})
