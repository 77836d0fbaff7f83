"""Carry out `harness ablate`: compare everything on with everything on except one switch, for each switch.

It uses the same sessions as any comparison, without confirmation: an ablation reports sizes, and its intervals are wide
enough for all its rows together.
"""

import dataclasses
import functools
import importlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from harness.console.console import Talk
from harness.console.session_progress import Narrowing
from harness.errors import HarnessError, RefusedError, UsageError
from harness.exact.sides import SharedCounts
from harness.judge.ablation import Measured, coverage_of_each
from harness.judge.looks import Looks
from harness.policy.policy import Policy
from harness.processes.subject import Subject
from harness.session.allowance import Allowance
from harness.session.conductor import MicroSession, SessionRequest, Write, begin_receipt
from harness.session.pace import Asked, Pace
from harness.session.receipt import Receipt, Rule, SessionPlan
from harness.session.receipt_file import write_receipt
from harness.session.sides.prepare import prepare
from harness.session.sides.subjects import TargetSide
from harness.session.slots.sizing import Discovery
from harness.stats.order import fewest
from harness.storage.folder import ABLATION
from harness.supervise import Supervisor, private_folder
from harness.target.spec import TargetSpec
from harness.units import format_duration
from harness.work.ended import EarlyEnd
from harness.work.session_folder import SessionFolder
from harness.work.sides import Driven, target_side

USUAL_OPERATIONS = 12
"""Number of operations assumed for a target when planning: the number of rows is known only after the session."""
USUAL_BLOCKS = 12
"""Number of blocks of a session, where its intervals need no more."""
SPARE_BLOCKS = 2
"""Extra blocks for those that disturbances of the machine spoil."""
SLICES = 12
"""Slices for a side and benchmark in a block. A gate takes more, but its benchmarks are short. Without caches or pools an operation
takes up to 0.2 s, and 40 calls of each side made a block of half a minute. The interval is over blocks, so it includes
the cost of fewer calls."""
COLD_EVENTS = str(SLICES)
"""Number of different events of each operation where caches are cold: each waits for its stores, also before the clock runs."""
WARM, COLD = "", " (cold)"
_NO_CACHES = "l1:off,l2:off"
_CACHES = {"l1", "l2"}


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One session of an ablation. `context` is the condition under which the switch is measured."""

    switch: str
    context: str
    base: Driven
    candidate: Driven


class Shortening(Pace):
    """Keep a session of estimates within its allowance: it takes as many of its planned blocks as there is time for."""

    def has_time(self, asked: Asked) -> bool:
        """Return True if there is time for one more block."""
        return self.allowance.has_room_for(1, asked.block_s)

    def end(self, asked: Asked, receipt: Receipt) -> None:
        """Record the number of blocks that there was time for."""
        receipt.notes.append(f"The budget had room for {asked.made} of {asked.most} blocks")
        receipt.plan = msgspec.structs.replace(receipt.plan, screen_blocks=asked.made)


def switches_of(driven: Driven, wanted: Sequence[str]) -> list[str]:
    """Return the switches to ablate: those named, or all in the target's entry.

    Raises `UsageError` for a target without switches, and for an unknown switch.
    """
    place, _, name = driven.entry.switches.partition(":")
    if not place:
        if not wanted:
            raise UsageError(
                f"Target '{driven.spec.name}' has no known switches",
                remedy="Name them: --switch NAME; the target gets switches=NAME:off as a parameter",
            )
        return list(wanted)
    known = [field.name for field in dataclasses.fields(getattr(importlib.import_module(place), name))]
    for switch in wanted:
        if switch not in known:
            raise UsageError(f"There is no switch '{switch}'", remedy=f"Choose from: {', '.join(known)}")
    return list(wanted) or known


def cases(driven: Driven, switches: Iterable[str]) -> list[Case]:
    """Return the cases to compare: each switch with caches warm, and again without caches, where the work behind shows."""
    found = []
    for switch in switches:
        found.append(_case(driven, switch, WARM, ""))
        if driven.entry.switches and switch not in _CACHES:
            found.append(_case(driven, switch, COLD, _NO_CACHES))
    return found


def _case(driven: Driven, switch: str, context: str, common: str) -> Case:
    given = driven.spec.parameters.get("switches", "")
    without = ",".join(filter(None, (given, common, f"{switch}:off")))
    with_it = ",".join(filter(None, (given, common)))
    return Case(switch, context, _with(driven, with_it), _with(driven, without))


def _with(driven: Driven, switches: str) -> Driven:
    parameters = {**driven.spec.parameters, **({"switches": switches} if switches else {})}
    return Driven(TargetSpec(driven.spec.name, parameters), driven.entry)


@dataclasses.dataclass(frozen=True, slots=True)
class Ablation:
    """The settings for measuring each case. `waits_ms` is the response time of the memory stores where caches are cold."""

    policy: Policy
    seed: int
    folder: SessionFolder
    plan: SessionPlan
    waits_ms: str = "2"
    allowance: Allowance = dataclasses.field(default_factory=Allowance)

    def measure(
        self, chosen: Sequence[Case], talk: Talk, supervisor: Supervisor, measured: list[Measured]
    ) -> None:
        """Add every case to `measured` when it is done; a case that cannot be measured gets a reason, and the next follows.

        Raises `RefusedError` for a target that cannot be measured.
        """
        with private_folder() as folder:
            counts = SharedCounts(supervisor, folder)
            for number, case in enumerate(chosen, 1):
                talk.say(f"{number} of {len(chosen)}: without {case.switch}{case.context}")
                self.allowance.begin_suite()
                sessions_left = len(chosen) - number + 1
                if self.allowance.budget_s is not None:
                    self.allowance.set_aside(self.allowance.left_s * (sessions_left - 1) / sessions_left)
                try:
                    receipt = self._session(case, talk, supervisor, counts)
                    measured.append(Measured(case.switch, case.context, receipt))
                except RefusedError:
                    # If one session cannot measure the target, no other can.
                    raise
                except HarnessError as error:
                    measured.append(Measured(case.switch, case.context, trouble=str(error)))

    def _session(self, case: Case, talk: Talk, supervisor: Supervisor, counts: SharedCounts) -> Receipt:
        if self.allowance.left_s <= 0:
            raise UsageError(
                "The budget was used up before this session",
                remedy="Raise --budget, or select fewer switches with --switch",
            )
        # First, so that the time left for blocks is known and not guessed.
        counted = counts.compare(_subject(case.base), _subject(case.candidate))
        sides = self._side(case, case.base), self._side(case, case.candidate)
        name = f"{case.switch}{'-cold' if case.context else ''}"
        request = SessionRequest(
            *sides,
            self.policy,
            self.seed,
            self.folder.path / f"{name}.log",
            f"ablate {name}",
            ("micro", "exact"),
        )
        with (
            prepare(*sides, self.policy, supervisor, request.log) as prepared,
            Narrowing(talk) as progress,
        ):
            receipt = begin_receipt(request, prepared)
            receipt.counts = counted
            pace = Shortening(self.allowance)
            session = MicroSession(request, prepared, supervisor, receipt, self._write(name), progress, pace)
            session.run(self._plan_for, Looks(self.policy))
            receipt.finished = not receipt.trouble
            self._write(name)(receipt)
        return receipt

    def _side(self, case: Case, driven: Driven) -> TargetSide:
        side = target_side(f"target:{driven.spec.shown}", driven)
        if not case.context:
            return side
        return dataclasses.replace(
            side,
            parameters={**side.parameters, "latency_ms": self.waits_ms},
            environment={"HARNESS_SLOT_EVENTS": COLD_EVENTS},
        )

    def _plan_for(self, found: Discovery) -> SessionPlan:
        if self.allowance.budget_s is None:
            return self.plan
        room = self.allowance.room_for(found.block_s(self.plan))
        if not room:
            raise UsageError(
                "The budget is too small for a block of this session",
                remedy="Raise --budget, or select fewer switches with --switch",
            )
        return msgspec.structs.replace(self.plan, screen_blocks=min(room, self.plan.screen_blocks))

    def _write(self, name: str) -> Write:
        return functools.partial(write_receipt, self.folder.path / f"{name}.json")


@dataclasses.dataclass(frozen=True, slots=True)
class AblationRequest:
    """The checked request of the user: the cases and the number of blocks. `name` is the command's."""

    policy: Policy
    seed: int
    cases: Sequence[Case]
    plan: SessionPlan
    allowance: Allowance
    out: Path
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class AblationWork:
    """The folder of an ablation, the measurements of its cases, and how the work ended."""

    folder: SessionFolder
    measured: Sequence[Measured]
    early: EarlyEnd


def carry_out(request: AblationRequest, talk: Talk) -> AblationWork:
    """Measure every case. Ctrl-C ends the work cleanly and keeps what was measured.

    Raises `RefusedError` for a target that cannot be measured.
    """
    folder = SessionFolder(request.out, request.name, ABLATION)
    measured: list[Measured] = []
    early = EarlyEnd()
    ablation = Ablation(request.policy, request.seed, folder, request.plan, allowance=request.allowance)
    try:
        with early.measuring() as supervisor:
            ablation.measure(request.cases, talk, supervisor, measured)
    except RefusedError:
        if not measured:
            folder.discard_if_empty()
        raise
    finally:
        folder.finish()
    return AblationWork(folder, measured, early)


def _subject(driven: Driven) -> Subject:
    return Subject(driven.entry.factory, driven.parameters(driven.entry.exact))


def spread_budget(budget_s: float | None, sessions: int, block_s: float) -> SessionPlan:
    """Return a plan with as many screening blocks as the budget allows for each session; without a budget, as many as needed.

    The more rows there are, the more blocks it takes before any interval is bounded. Raises `UsageError` where
    the budget has no room for that many.
    """
    least = fewest(coverage_of_each(sessions * USUAL_OPERATIONS))
    blocks = max(USUAL_BLOCKS, least + SPARE_BLOCKS)
    if budget_s is not None:
        blocks = int(budget_s / max(sessions * block_s, 1e-9))
    if blocks < least:
        needed = format_duration(math.ceil(least * sessions * block_s))
        raise UsageError(
            f"{blocks} blocks for each of {sessions} sessions are too few to bound an effect",
            remedy=f"Give a --budget of at least {needed}, or fewer switches: --switch NAME",
        )
    return SessionPlan(rule=Rule.FIXED, screen_blocks=blocks, confirm_blocks=0, slices=SLICES)
