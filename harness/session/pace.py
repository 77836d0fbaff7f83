"""Set the number of blocks of a phase: all planned ones, or fewer where the budget is too short.

The decision depends on the durations of blocks alone, never on their data (see `allowance`). A phase that
cannot be as long as its own thresholds need is not begun, or ends: then the receipt is `cut`, with the reason.
"""

import dataclasses
from collections.abc import Callable

import msgspec

from harness.session.allowance import Allowance
from harness.session.receipt import Phase, Receipt, SessionPlan
from harness.units import format_duration

_SLOWER = 1.05
"""Least pace, in multiples of the planned time, that is told: a smaller one would read as 1."""


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """The request of a phase: `planned` blocks in all, of which `done` are made.

    `block_s` is the time of a block of its `benchmarks`, `every_s` of one with all comparable benchmarks, in seconds.
    """

    phase: Phase
    planned: int
    done: int
    block_s: float
    every_s: float
    benchmarks: int
    phase_is_shared: bool = False
    """True if another suite with blocks already made shares the plan's confirmation blocks."""


def _no_plan(_blocks: int, _benchmarks: int) -> SessionPlan | None:
    return None


def _never(_plan: SessionPlan, _candidates: int) -> bool:
    return False


@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """Keep a session within its allowance. Without a budget every phase gets its planned blocks.

    `refit` returns the plan for a number of blocks in all and of benchmarks, or None where none is possible; `can_confirm`
    returns True if a plan's fresh blocks can confirm any of a number of candidates.
    """

    allowance: Allowance = dataclasses.field(default_factory=Allowance)
    refit: Callable[[int, int], SessionPlan | None] = _no_plan
    can_confirm: Callable[[SessionPlan, int], bool] = _never

    def affordable(self, asked: Asked, receipt: Receipt) -> int:
        """Return the number of blocks of the phase in all; the plan in the receipt is changed to match."""
        if self.allowance.budget_s is None:
            return asked.planned
        decide = {Phase.SCREEN: self._screen, Phase.EXTEND: self._extend, Phase.CONFIRM: self._confirm}
        return decide[asked.phase](asked, receipt)

    def affordable_under_load(self, asked: Asked, receipt: Receipt) -> int:
        """Return the number of blocks of a load phase, whose screen is the plan's `load_blocks` and is never extended."""
        if self.allowance.budget_s is None:
            return asked.planned
        if asked.phase is Phase.CONFIRM:
            return self._confirm(asked, receipt)
        later_s = receipt.plan.confirm_blocks * asked.every_s
        if self.allowance.has_room_for(asked.planned - asked.done, asked.block_s, later_s):
            return asked.planned
        fitting = self.refit(asked.done + self.allowance.room_for(asked.block_s), asked.benchmarks)
        if fitting is None:
            return self._cut(asked, receipt)
        screen = max(asked.done, min(fitting.screen_blocks, asked.planned))
        receipt.plan = msgspec.structs.replace(receipt.plan, load_blocks=screen)
        return screen

    def _screen(self, asked: Asked, receipt: Receipt) -> int:
        plan, left = receipt.plan, asked.planned - asked.done
        later_s = plan.confirm_blocks * asked.every_s
        if left <= 0 or self.allowance.has_room_for(left, asked.block_s, later_s):
            return asked.planned
        fitting = self.refit(asked.done + self.allowance.room_for(asked.every_s), asked.benchmarks)
        if fitting is None:
            # A screen alone can clear unchanged benchmarks. The need to confirm a red one shows only later.
            fits_alone = self.allowance.has_room_for(left, asked.block_s)
            return asked.planned if fits_alone else self._cut(asked, receipt)
        screen = max(asked.done, min(fitting.screen_blocks, asked.planned))
        confirm = min(fitting.confirm_blocks, plan.confirm_blocks)
        receipt.plan = msgspec.structs.replace(
            plan, screen_blocks=screen, extended_blocks=screen, confirm_blocks=confirm,
            confirm_blocks_of_many=min(fitting.confirm_blocks_of_many, plan.confirm_blocks_of_many),
        )  # fmt: skip
        return screen

    def _extend(self, asked: Asked, receipt: Receipt) -> int:
        plan = receipt.plan
        later_s = plan.confirm_blocks * asked.every_s
        if self.allowance.has_room_for(asked.planned - asked.done, asked.block_s, later_s):
            return asked.planned
        blocks = min(asked.planned, asked.done + self.allowance.room_for(asked.block_s, later_s))
        receipt.plan = msgspec.structs.replace(plan, extended_blocks=plan.screen_blocks + blocks)
        return blocks

    def _confirm(self, asked: Asked, receipt: Receipt) -> int:
        if self.allowance.has_room_for(asked.planned - asked.done, asked.block_s):
            return asked.planned
        blocks = min(asked.planned, asked.done + self.allowance.room_for(asked.block_s))
        if asked.phase_is_shared:
            return self._cut(asked, receipt)
        shorter = msgspec.structs.replace(receipt.plan, confirm_blocks=blocks, confirm_blocks_of_many=blocks)
        if not self.can_confirm(shorter, asked.benchmarks):
            return self._cut(asked, receipt)
        receipt.plan = shorter
        return blocks

    def _cut(self, asked: Asked, receipt: Receipt) -> int:
        blocks = f"{asked.done} of {asked.planned} blocks of the phase '{asked.phase}'"
        slower = (
            f", and blocks take {self.allowance.pace:.2g} times as long as planned"
            if self.allowance.pace >= _SLOWER
            else ""
        )
        later = 0 if asked.phase is Phase.CONFIRM else receipt.plan.confirm_blocks
        needed_s = self.allowance.needed_s(asked.planned - asked.done, asked.block_s, later * asked.every_s)
        receipt.cut = (
            f"The budget of {self.allowance.budget_s:g} s has room for no more than {blocks}{slower}: "
            f"give it {format_duration(needed_s)}"
        )
        return asked.done
