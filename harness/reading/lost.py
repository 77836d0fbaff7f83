"""List the calls of a run without a response: their operations, numbers and time range."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from harness.model import Outcome
from harness.reading.summary import RunSummary
from harness.table.pieces import pieces

LOST = (Outcome.DROPPED, Outcome.UNFINISHED, Outcome.NEVER_STARTED)
_NEVER_NS = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True, slots=True)
class LostCalls:
    """Calls of one operation without a response, by outcome; `share` is of all calls of the operation."""

    operation: str
    outcome: Outcome
    calls: int
    share: float
    first_due_ns: int
    last_due_ns: int


def lost_calls(run: RunSummary) -> Iterator[LostCalls]:
    """Yield the lost calls by operation; nothing where all calls returned."""
    if not any(run.total.outcomes[how.label] for how in LOST):
        return
    names = list(run.operations)
    shape = (len(names), len(Outcome))
    first_ns, last_ns = np.full(shape, _NEVER_NS), np.full(shape, -1)
    for piece in pieces(run.table):
        lost = piece[np.isin(piece["outcome"], LOST)]
        place = (lost["operation"], lost["outcome"])
        np.minimum.at(first_ns, place, lost["intended_ns"])
        np.maximum.at(last_ns, place, lost["intended_ns"])
    for number, code in zip(*np.nonzero(last_ns >= 0), strict=True):
        outcome = Outcome(int(code))
        outcomes = run.operations[names[number]].outcomes
        yield LostCalls(
            operation=names[number],
            outcome=outcome,
            calls=outcomes[outcome.label],
            share=outcomes[outcome.label] / sum(outcomes.values()),
            first_due_ns=int(first_ns[number, code]),
            last_due_ns=int(last_ns[number, code]),
        )
