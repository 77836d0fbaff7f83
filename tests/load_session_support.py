"""Small load sessions on targets of known truth, with all that they leave in memory."""

import dataclasses
from pathlib import Path

from harness.model import Arrivals, Scenario
from harness.processes.loadrun import LoadPlan, Subject
from harness.reading.validity import Threshold, Thresholds
from harness.session.load_block import LoadSession
from harness.session.load_blocks import run_load_blocks
from harness.session.receipt import Receipt, SessionPlan, Side, SubjectFacts

SCENARIO = Scenario("short", "for tests", arrivals=Arrivals.UNIFORM)
PLAN = LoadPlan(SCENARIO, rate_per_s=200.0, users=2, duration_s=0.4, warmup_s=0.1, seed=0, split=False)


# What a busy machine does to a run is no fault of a session.
TOLERANT = Thresholds(
    descheduled_share=Threshold(2, 2), late_share=Threshold(2, 2), lag_ns=Threshold(1e12, 1e12)
)


class CountingServers:
    """Servers without a server."""

    def __init__(self):
        self.forgotten = 0

    def forget(self):
        self.forgotten += 1

    def facts(self, counters, measured_s):
        return {}


@dataclasses.dataclass
class Kept:
    """What a session told the outside: a number of blocks for every write, and its progress as it came."""

    written: list = dataclasses.field(default_factory=list)
    seen: list = dataclasses.field(default_factory=list)

    def write(self, receipt):
        self.written.append((len(receipt.load_blocks), receipt.interrupted, receipt.finished))

    def block(self, phase, done, planned, _receipt):
        self.seen.append((str(phase), done, planned))


def constant(service_ms, **more):
    return Subject("targets.known:constant", {"service_ms": str(service_ms), **more})


def session_of(supervisor, folder: Path, base, candidate, **changes) -> LoadSession:
    subjects = {Side.BASE: base, Side.CANDIDATE: candidate}
    made = LoadSession(supervisor, CountingServers(), subjects, PLAN, folder, thresholds=TOLERANT)
    return dataclasses.replace(made, **changes)


def receipt_of(seed=5, **plan) -> Receipt:
    return Receipt(
        command="harness compare",
        started_at="2026-01-02T03:04:05+00:00",
        seed=seed,
        suites=["load"],
        base=SubjectFacts(spec="base", label="base"),
        candidate=SubjectFacts(spec="candidate", label="candidate"),
        environment={},
        policy={},
        policy_sha256="",
        plan=SessionPlan(**{"load_blocks": 2, "confirm_blocks": 1, **plan}),
    )


def run_session(session, receipt, candidates=lambda _receipt: ()) -> Kept:
    """Run the load blocks."""
    kept = Kept()
    run_load_blocks(session, receipt, candidates=candidates, write=kept.write, progress=kept)
    return kept
