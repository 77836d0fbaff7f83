"""Measure load in a session: blocks of one load run of each side and one more of the base, on the same servers.

The replicate is the process launch, as in the micro session: every segment is a fresh measured process with the plan
of its block (the same arrivals, operations and events for all segments of a block, others in the next block), and the
order of a block's segments is drawn. The transition from one process to another is warm-up and in no figure. Shared
caches are emptied before each segment, so that none profits from the previous one.
"""

import contextlib
import dataclasses
import random
import time
from collections.abc import Callable, Collection
from typing import Any

from harness.capacity.probe import PROBE_S, PROBE_WARMUP_S, at_sustainable_rate, probe_per_s
from harness.processes.loadrun import LoadPlan
from harness.session.conductor import MANY_CANDIDATES, TROUBLES_IN_A_ROW, Progress, Write
from harness.session.load.block import BlockInTheMaking, LoadSession, silent
from harness.session.pace import Asked, Pace
from harness.session.receipt import LoadConditions, Phase, Receipt, SessionPlan, Side

SEGMENT_START_S = 1.5
"""Time to start, import, open, drain and summarise a segment, in addition to its plan, on a small machine (seconds)."""
LEAST_DISTURBED = 3
DISTURBED_SHARE = 2 / 3
"""Limits of disturbed blocks, which are repeated: above this share of the planned blocks (and at least three), over 40 %
of all are discarded, and the judge rejects the session."""


Candidates = Callable[[Receipt], Collection[Any]]
"""Function that names the operations for fresh blocks to confirm, after the screen."""


def load_session_seconds(plan: SessionPlan, duration_s: float, warmup_s: float) -> tuple[float, float]:
    """Return the approximate duration of the load blocks, in seconds: without confirmation, and at most."""
    block_s = (len(Side) + 1) * (SEGMENT_START_S + warmup_s + duration_s)
    confirm_blocks = max(plan.confirm_blocks, plan.confirm_blocks_of_many)
    return plan.load_blocks * block_s, (plan.load_blocks + confirm_blocks) * block_s


def probe_seconds() -> float:
    """Return the approximate time to find a rate, in seconds."""
    return len(Side) * (SEGMENT_START_S + PROBE_WARMUP_S + PROBE_S)


def at_rate_of_slower_side(session: LoadSession) -> LoadSession:
    """Return the session at half of the slower side's sustainable rate, found by probing each side once.

    Raises the errors of `run_load` for a side that cannot be measured, and `KeyboardInterrupt`.
    """
    found: dict[str, float] = {}
    for side, subject in session.subjects.items():
        session.servers.forget()
        found[side] = probe_per_s(session.supervisor, subject, session.plan, silent)
    return dataclasses.replace(session, plan=at_sustainable_rate(session.plan, found))


def run_load_blocks(
    session: LoadSession,
    receipt: Receipt,
    *,
    candidates: Candidates,
    write: Write,
    progress: Progress,
    pace: Pace | None = None,
) -> None:
    """Measure the load blocks of `receipt.plan` into `receipt`, which `write` receives whole after each of them.

    First the screen blocks; then, if `candidates` names anything, as many fresh blocks as confirm it. The receipt is
    finished when all of them are made. Ctrl-C keeps the measured blocks and marks the receipt as interrupted.

    A block with an invalid or a failed segment carries its trouble and is repeated, whichever side it was. Three in
    a row in which a measured process failed end the load blocks, and so do more disturbed blocks than the judge
    accepts; the receipt's trouble gives the reason.
    """
    _Conductor(session, receipt, write, progress, pace or Pace()).conduct(candidates)


class _Conductor:
    def __init__(
        self, session: LoadSession, receipt: Receipt, write: Write, progress: Progress, pace: Pace
    ) -> None:
        self._session = session
        self._receipt = receipt
        self._write = write
        self._progress = progress
        self._pace = pace
        # A separate random sequence: the micro session may run beside it from the same seed.
        self._rng = random.Random(f"load {receipt.seed}")

    def conduct(self, candidates: Candidates) -> None:
        receipt = self._receipt
        receipt.load = _conditions(self._session.plan)
        receipt.finished = False
        try:
            self._phases(candidates)
            receipt.finished = not receipt.trouble
        except KeyboardInterrupt:
            receipt.interrupted = True
        finally:
            # Only folders kept as evidence remain in it.
            with contextlib.suppress(OSError):
                self._session.folder.rmdir()
        self._write(receipt)

    def _phases(self, candidates: Candidates) -> None:
        plan = self._receipt.plan
        if self._blocks(Phase.SCREEN, plan.load_blocks) and (found := candidates(self._receipt)):
            many = len(found) > MANY_CANDIDATES
            blocks = plan.confirm_blocks_of_many if many else plan.confirm_blocks
            self._blocks(Phase.CONFIRM, blocks, len(found))

    def _blocks(self, phase: Phase, blocks: int, benchmarks: int = 1) -> bool:
        """Measure `blocks` usable blocks of a phase; return False where the load blocks must end."""
        usable = bad = failed = 0
        plan = self._session.plan
        block_s, _ = load_session_seconds(SessionPlan(load_blocks=1), plan.duration_s, plan.warmup_s)
        while not self._receipt.cut:
            asked = Asked(
                phase,
                blocks,
                usable,
                block_s,
                block_s,
                benchmarks,
                phase_is_shared=bool(self._receipt.blocks),
            )
            blocks = self._pace.affordable_under_load(asked, self._receipt)
            if usable >= blocks:
                break
            began_s = time.monotonic()
            block = self._block(phase)
            self._pace.allowance.took(block_s, time.monotonic() - began_s)
            usable, bad = usable + (not block.trouble), bad + bool(block.trouble)
            failed = failed + 1 if block.failed else 0
            self._progress.block(phase, usable, blocks, self._receipt)
            if reason := why_to_end(failed, bad, blocks):
                self._receipt.trouble.append(f"{reason}; the last: {block.trouble}")
                return False
        return not self._receipt.cut

    def _block(self, phase: Phase) -> BlockInTheMaking:
        block = BlockInTheMaking(self._session, self._receipt, phase, self._rng)
        try:
            block.measure()
        finally:
            self._receipt.load_blocks.append(block.record())
            self._write(self._receipt)
        return block


def why_to_end(failed_in_a_row: int, bad: int, planned: int) -> str | None:
    """Return the reason why a phase of `planned` blocks ends early after `bad` unusable ones; None if it goes on."""
    if failed_in_a_row >= TROUBLES_IN_A_ROW:
        return f"The load blocks ended early: a measured process failed in {failed_in_a_row} blocks in a row"
    if bad > max(DISTURBED_SHARE * planned, LEAST_DISTURBED):
        return (
            f"The load blocks ended early: {bad} of them were unusable ({planned} usable ones were planned)"
        )
    return None


def _conditions(plan: LoadPlan) -> LoadConditions:
    return LoadConditions(
        scenario=plan.scenario.name,
        executor=plan.scenario.executor,
        rate_per_s=plan.rate_per_s,
        users=plan.users,
        duration_s=plan.duration_s,
        warmup_s=plan.warmup_s,
    )
