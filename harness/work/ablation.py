"""The work of `harness ablate`: everything on against everything on but one switch, switch after switch.

The same sessions as in any comparison, without confirmation: an ablation claims sizes, and its intervals are wide
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
from harness.policy.policy import Policy
from harness.processes.loadrun import Subject
from harness.session.allowance import Allowance
from harness.session.conductor import MicroSession, SessionRequest, Write, begin_receipt
from harness.session.pace import Pace
from harness.session.receipt import Receipt, SessionPlan
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
"""Of a target, for the plan: how many rows a session brings is known only when it is over."""
SPARE_BLOCKS = 2
"""For those that the machine spoils."""
SLICES = 12
"""A side and benchmark in a block: a gate takes more, but its benchmarks are short. Without caches or pools an operation
takes up to 0.2 s, and 40 calls of each side made a block of half a minute. The interval is over blocks, and says what
fewer calls cost it."""
COLD_EVENTS = str(SLICES)
"""Different events of each operation where caches are cold: each waits for its stores, before the clock runs too."""
WARM, COLD = "", " (cold)"
_NO_CACHES = "l1:off,l2:off"
_CACHES = {"l1", "l2"}


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One session of an ablation. `context` says under which condition the switch is looked at."""

    switch: str
    context: str
    base: Driven
    candidate: Driven


class _NoLooks:
    """Nothing is extended or confirmed."""

    def undecided(self, _receipt: Receipt) -> frozenset[str]:
        """Return nothing."""
        return frozenset()

    candidates = undecided


def switches_of(driven: Driven, wanted: Sequence[str]) -> list[str]:
    """Return the switches to ablate: those named, or all that the target's entry knows.

    Raises `UsageError` for a target without switches, and for a name that is none.
    """
    place, _, name = driven.entry.switches.partition(":")
    if not place:
        if not wanted:
            raise UsageError(
                f"Target '{driven.spec.name}' has no switches that we know",
                remedy="Name them: --switch NAME; the target gets switches=NAME:off as a parameter",
            )
        return list(wanted)
    known = [field.name for field in dataclasses.fields(getattr(importlib.import_module(place), name))]
    for switch in wanted:
        if switch not in known:
            raise UsageError(f"There is no switch '{switch}'", remedy=f"There are: {', '.join(known)}")
    return list(wanted) or known


def cases(driven: Driven, switches: Iterable[str]) -> list[Case]:
    """Return what is compared: each switch with caches warm, and again without caches, where the work behind shows."""
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
    """How each case is measured. `waits_ms` is what the memory stores take to answer where caches are cold."""

    policy: Policy
    seed: int
    folder: SessionFolder
    plan: SessionPlan
    waits_ms: str = "2"
    allowance: Allowance = dataclasses.field(default_factory=Allowance)

    def measure(
        self, chosen: Sequence[Case], talk: Talk, supervisor: Supervisor, measured: list[Measured]
    ) -> None:
        """Add every case to `measured` when it is done; one that cannot be says why, and the next follows.

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
                    # What one session cannot measure no other can.
                    raise
                except HarnessError as error:
                    measured.append(Measured(case.switch, case.context, trouble=str(error)))

    def _session(self, case: Case, talk: Talk, supervisor: Supervisor, counts: SharedCounts) -> Receipt:
        if self.allowance.left_s <= 0:
            raise UsageError(
                "The budget was used up before this session", remedy="Give it more, or fewer switches"
            )
        # First, so that what is left for blocks is known and not guessed.
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
            pace = Pace(self.allowance, self._of_so_many)
            session = MicroSession(request, prepared, supervisor, receipt, self._write(name), progress, pace)
            session.run(self._plan_for, _NoLooks())
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
        fitting = self._of_so_many(min(room, self.plan.screen_blocks))
        if fitting is None:
            raise UsageError(
                "The budget has no room for a block of this session", remedy="Give it more, or fewer switches"
            )
        return fitting

    def _of_so_many(self, blocks: int, _benchmarks: int = 1) -> SessionPlan | None:
        if not blocks:
            return None
        return msgspec.structs.replace(self.plan, screen_blocks=blocks, extended_blocks=blocks)

    def _write(self, name: str) -> Write:
        return functools.partial(write_receipt, self.folder.path / f"{name}.json")


@dataclasses.dataclass(frozen=True, slots=True)
class AblationRequest:
    """All that the user asked for, checked: what is compared, and in so many blocks. `name` is the command's."""

    policy: Policy
    seed: int
    cases: Sequence[Case]
    plan: SessionPlan
    allowance: Allowance
    out: Path
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class AblationWork:
    """The folder of an ablation, what was measured of its cases, and how that ended."""

    folder: SessionFolder
    measured: Sequence[Measured]
    early: EarlyEnd


def carry_out(request: AblationRequest, talk: Talk) -> AblationWork:
    """Measure every case. Ctrl-C ends the work in good order and keeps what was measured.

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
    """Return a plan that screens as often as the budget allows for each session; without one, as often as it takes.

    The more rows there are, the more blocks it takes before the interval of any is bounded. Raises `UsageError` where
    the budget has no room for so many.
    """
    least = fewest(coverage_of_each(sessions * USUAL_OPERATIONS))
    blocks = max(SessionPlan().screen_blocks, least + SPARE_BLOCKS)
    if budget_s is not None:
        blocks = int(budget_s / max(sessions * block_s, 1e-9))
    if blocks < least:
        needed = format_duration(math.ceil(least * sessions * block_s))
        raise UsageError(
            f"{blocks} blocks for each of {sessions} sessions bound no effect",
            remedy=f"Give it a --budget of at least {needed}, or fewer switches: --switch NAME",
        )
    return SessionPlan(
        screen_blocks=blocks,
        extended_blocks=blocks,
        confirm_blocks=0,
        confirm_blocks_of_many=0,
        slices=SLICES,
    )
