"""Makes searches for capacity with the probes that a test names."""

from harness.capacity.document import CapacityDocument, Ended, LimitSeen, MetricFacts, ProbeFacts
from harness.capacity.seen import Sight
from harness.policy.thresholds import Level


def probe(rate_per_s, sight, level=Level.VALID, **more):
    """Return one probe at a rate."""
    is_invalid = sight == "invalid"
    facts = {
        "validity": Level.INVALID if is_invalid else level,
        "reasons": ["the machine was busy"] if is_invalid or level is not Level.VALID else [],
        "limits": [] if is_invalid else [LimitSeen(what="p99<25ms", state="certified", sentence=f"said of {rate_per_s}")],
        "planned": 100,
        "completed": 100,
        "answered_per_s": float(rate_per_s),
        "p50_ns": 2e6,
        "p99_ns": 20e6,
        "metric": 20e6,
        **more,
    }  # fmt: skip
    return ProbeFacts(
        folder=f"probe-{rate_per_s}",
        rate_per_s=float(rate_per_s),
        duration_s=10.0,
        seed=1,
        confirms=False,
        sight=Sight(sight),
        **facts,
    )


def counted(rate_per_s, exceeding, sight="not settled", calls=10_000):
    """Return a probe of 10,000 calls of which some were over the limit of `p99<25ms`."""
    limit = LimitSeen(
        what="p99<25ms", state="not certified", sentence=f"said of {rate_per_s}", share=0.01, calls=calls,
        exceeding=exceeding, variance=float(exceeding),
    )  # fmt: skip
    return probe(rate_per_s, sight, limits=[limit])


def document(probes, ended=Ended.SETTLED, **more):
    """Return a search that began at 50/s and may go down to 5/s."""
    facts = {
        "scenario": "steady",
        "target": "known:spin",
        "variant": "",
        "slos": ["p99<25ms"],
        "metric": MetricFacts(name="p99", unit="ns", limit=25e6),
        **more,
    }
    return CapacityDocument(
        status="finished",
        seed=1,
        started_at="2026-11-26T02:15:00+00:00",
        command="harness capacity steady",
        start_per_s=50.0,
        lowest_per_s=5.0,
        most_per_s=1e6,
        tolerance=0.05,
        budget_s=600.0,
        warmup_s=2.0,
        arrivals="uniform",
        environment={},
        probes=list(probes),
        ended=ended,
        **facts,
    )
