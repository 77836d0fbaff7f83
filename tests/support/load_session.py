"""Small load sessions on targets of known truth, with all that they leave in memory."""

import dataclasses
import shutil
from pathlib import Path

from harness.model import Arrivals, Scenario
from harness.policy.thresholds import Threshold, Thresholds
from harness.processes.job import Ready
from harness.processes.loadrun import LoadPlan, LoadResult
from harness.processes.measure import Ending
from harness.processes.subject import Subject
from harness.run.documents import HostFacts
from harness.session.load import block as load_block
from harness.session.load.block import LoadSession
from harness.session.load.blocks import run_load_blocks
from harness.session.receipt import Phase, Receipt, SessionPlan, Side
from tests.support.judge import receipt
from tests.support.run_builder import make_run

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
    """Return the receipt of a load session that has only begun."""
    return receipt(
        suites=["load"],
        seed=seed,
        plan=SessionPlan(**{"load_blocks": 2, "load_confirm_blocks": 1, **plan}),
        finished=False,
    )


class FixedLooks:
    """Looks that confirm the same operations on so many blocks, whatever was measured."""

    def __init__(self, names=(), blocks=1):
        self.names, self.blocks = frozenset(names), blocks

    def confirming_load(self, receipt):
        made = sum(block.phase is Phase.CONFIRM for block in receipt.load_blocks)
        return self.names if made < self.blocks else frozenset()

    def to_confirm_load(self, _receipt):
        return self.names, self.blocks if self.names else 0


def run_session(session, receipt, looks=None) -> Kept:
    """Run the load blocks."""
    kept = Kept()
    run_load_blocks(session, receipt, looks=looks or FixedLooks(), write=kept.write, progress=kept)
    return kept


def written_runs(monkeypatch, scratch: Path, troubles=lambda _label: None) -> None:
    """Let segments be runs that are written and not measured; `troubles` gives the trouble of one, by its label."""

    def run_into(directory, _supervisor, _subject, plan, document_of, _tick):
        written = make_run(
            scratch,
            operations={"call": 1.0},
            rate_per_s=plan.rate_per_s,
            duration_s=plan.duration_s,
            warmup_s=0.0,
        )
        shutil.copytree(written, directory.path, dirs_exist_ok=True)
        document = directory.read()
        document.variant = document_of({"call": 1.0}).variant
        trouble = troubles(document.variant)
        document.trouble = [trouble] if trouble else []
        directory.write(document)
        return document, LoadResult(Ending(trouble), HostFacts(descheduled_share=0.0), Ready({"call": 1.0}))

    monkeypatch.setattr(load_block, "run_into", run_into)


def segments(receipt):
    """Return the segments that there are, of all blocks."""
    return [
        segment
        for block in receipt.load_blocks
        for segment in (block.base, block.candidate, block.null)
        if segment
    ]
