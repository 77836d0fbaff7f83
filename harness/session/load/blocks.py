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
from typing import Protocol

import msgspec

from harness.capacity.probe import PROBE_S, PROBE_WARMUP_S, at_sustainable_rate, probe_per_s
from harness.processes.loadrun import LoadPlan
from harness.reading.counting import ALL
from harness.serving.server import Server
from harness.session.conductor import TROUBLES_IN_A_ROW, Look, Progress, Write
from harness.session.load.block import BlockInTheMaking, LoadSession, silent
from harness.session.pace import Asked, Pace
from harness.session.receipt import LoadConditions, Phase, Receipt, Rule, SessionPlan, Side

SEGMENT_START_S = 1.5
"""Time to start, import, open, drain and summarise a segment, in addition to its plan, on a small machine (seconds)."""
LEAST_DISTURBED = 3
DISTURBED_SHARE = 2 / 3
"""Limits of disturbed blocks, which are repeated: above this share of the planned blocks (and at least three), over 40 %
of all are discarded, and the judge rejects the session."""


class LoadLooks(Protocol):
    """The judge's looks at the load blocks, after their screen and before each fresh block."""

    def confirming_load(self, receipt: Receipt, /) -> frozenset[str]:
        """Return the operations of the next block of fresh data; none if none is needed."""

    def to_confirm_load(self, receipt: Receipt, /) -> tuple[frozenset[str], int]:
        """Return the operations that appear changed, and the fewest fresh blocks that could confirm them."""


def load_session_seconds(plan: SessionPlan, duration_s: float, warmup_s: float) -> tuple[float, float]:
    """Return the approximate duration of the load blocks, in seconds: without confirmation, and at most."""
    block_s = (len(Side) + 1) * (SEGMENT_START_S + warmup_s + duration_s)
    return plan.load_blocks * block_s, (plan.load_blocks + plan.load_confirm_blocks) * block_s


def probe_seconds() -> float:
    """Return the approximate time to find a rate, in seconds."""
    return len(Side) * (SEGMENT_START_S + PROBE_WARMUP_S + PROBE_S)


def prove_servers(session: LoadSession) -> None:
    """Start the server of each side once. Raises `TargetError` for one that does not get ready, before anything is measured.

    Python compiles the modules meanwhile: the first block would measure that on the side that comes first.
    """
    for side, subject in session.subjects.items():
        if isinstance(subject.server, Server):
            with subject.server.running(
                session.supervisor, session.logs / f"{subject.server.name}-{side}.log"
            ):
                pass


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
    looks: LoadLooks,
    write: Write,
    progress: Progress,
    pace: Pace | None = None,
) -> None:
    """Measure the load blocks of `receipt.plan` into `receipt`, which `write` receives whole after each of them.

    First the screen blocks; then fresh blocks, as long as `looks` names anything that they must confirm. The receipt is
    finished when all of them are made. Ctrl-C keeps the measured blocks and marks the receipt as interrupted.

    A block with an invalid or a failed segment carries its trouble and is repeated, whichever side it was. Three in
    a row in which a measured process failed end the load blocks, and so do more disturbed blocks than the judge
    accepts; the receipt's trouble gives the reason.
    """
    _Conductor(session, receipt, write, progress, pace or Pace()).conduct(looks)


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

    def conduct(self, looks: LoadLooks) -> None:
        receipt = self._receipt
        receipt.load = _conditions(self._session.plan)
        receipt.finished = False
        try:
            self._phases(looks)
            receipt.finished = not receipt.trouble
        except KeyboardInterrupt:
            receipt.interrupted = True
        finally:
            # Only folders kept as evidence remain in it.
            with contextlib.suppress(OSError):
                self._session.folder.rmdir()
        self._write(receipt)

    def _phases(self, looks: LoadLooks) -> None:
        plan = self._receipt.plan
        every = frozenset({ALL})
        least = min(plan.least_blocks, plan.load_blocks) if plan.rule is Rule.SEQUENTIAL else plan.load_blocks
        screened = self._blocks(Phase.SCREEN, lambda _receipt: every, least, plan.load_blocks)
        if screened is None or screened < least:
            return
        if screened < plan.load_blocks:
            self._receipt.notes.append(
                f"The budget had room for {screened} of {plan.load_blocks} load blocks of the screen"
            )
            self._receipt.plan = msgspec.structs.replace(plan, load_blocks=screened)
        _, fewest = looks.to_confirm_load(self._receipt)
        if fewest:
            self._blocks(Phase.CONFIRM, looks.confirming_load, fewest, plan.load_confirm_blocks)

    def _blocks(self, phase: Phase, look: Look, least: int, most: int) -> int | None:
        """Measure up to `most` usable blocks of a phase, as long as `look` names operations.

        Return the number of usable ones, or None where the load blocks must end.
        """
        usable = bad = failed = 0
        plan = self._session.plan
        block_s, _ = load_session_seconds(SessionPlan(load_blocks=1), plan.duration_s, plan.warmup_s)
        while usable < most and look(self._receipt):
            asked = Asked(phase, usable, least, most, block_s)
            if not self._pace.has_time(asked):
                if usable < least or phase is Phase.CONFIRM:
                    self._pace.end(asked, self._receipt)
                break
            began_s = time.monotonic()
            block = self._block(phase)
            self._pace.allowance.took(block_s, time.monotonic() - began_s)
            usable, bad = usable + (not block.trouble), bad + bool(block.trouble)
            failed = failed + 1 if block.failed else 0
            self._progress.block(phase, usable, most, self._receipt)
            if reason := why_to_end(failed, bad, most):
                self._receipt.trouble.append(f"{reason}; the last: {block.trouble}")
                return None
        return usable

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
