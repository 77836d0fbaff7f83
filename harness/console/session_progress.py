"""Show the progress of a session: blocks done, and the widest interval as it narrows."""

import math
import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

from harness.console.console import DESCRIPTION, Talk
from harness.judge.blocks import sort_blocks, sort_load_blocks
from harness.judge.evidence import micro_evidence
from harness.judge.gathering import Evidence
from harness.judge.load_evidence import load_evidence
from harness.judge.metrics import ALL, WALL
from harness.judge.paired import change_of
from harness.redaction.visible import visible
from harness.session.receipt import Phase, Receipt, Rule

_WORDS = {Phase.SCREEN: "Screening", Phase.CONFIRM: "Confirming"}
_PLAIN_EVERY_S = 15.0


class Narrowing:
    """Progress of a session: a bar on a terminal, occasional lines elsewhere."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        columns = (DESCRIPTION, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=talk.console) if talk.console.is_terminal else None
        self._tasks: dict[Phase, TaskID] = {}
        self._said_s = -math.inf

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def block(self, phase: Phase, done: int, planned: int, receipt: Receipt) -> None:
        """Show that `done` of at most `planned` blocks of a phase are measured."""
        words = visible(f"{_WORDS[phase]} {widest(receipt, phase)}".rstrip())
        if self._bar:
            if phase not in self._tasks:
                self._tasks[phase] = self._bar.add_task(words, total=planned)
            self._bar.update(self._tasks[phase], completed=done, description=words, total=planned)
        elif done == planned or time.monotonic() - self._said_s > _PLAIN_EVERY_S:
            self._said_s = time.monotonic()
            self._talk.say(f"{words}: {done} of up to {planned} blocks")


def widest(receipt: Receipt, phase: Phase) -> str:
    """Return the widest interval measured in `phase`, in words; empty while none is bounded."""
    rule = receipt.plan.rule
    found = [(half_width(evidence, phase, rule), evidence.benchmark) for evidence in _measured(receipt)]
    bounded = [pair for pair in found if math.isfinite(pair[0])]
    if not bounded:
        return ""
    share, benchmark = max(bounded)
    return f"(widest: {benchmark} ±{100 * share:.1f} %)"


def half_width(evidence: Evidence, phase: Phase, rule: Rule = Rule.SEQUENTIAL) -> float:
    """Return half the width of the evidence's interval in that phase, as a share; infinite while there is none."""
    pairs = evidence.confirmed if phase is Phase.CONFIRM else evidence.screened
    if not pairs:
        return math.inf
    change = change_of(pairs, evidence.metric, rule)
    return math.expm1((change.high - change.low) / 2)


def _measured(receipt: Receipt) -> list[Evidence]:
    if receipt.load_blocks:
        return [
            evidence for evidence in load_evidence(sort_load_blocks(receipt))
            if evidence.benchmark == ALL and evidence.metric.name.startswith("p5")
        ]  # fmt: skip
    found = micro_evidence(receipt.benchmarks, sort_blocks(receipt))
    return [evidence for evidence in found if evidence.metric is WALL]
