"""Run a session in order: discover, screen until the evidence decides, confirm the benchmarks that appear changed."""

import dataclasses
import hashlib
import random
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

import msgspec

from harness import environment
from harness.micro.choosing import choose, is_chosen
from harness.policy.policy import Policy
from harness.redaction.documents import without_secrets
from harness.session import shards
from harness.session.pace import Asked, Pace
from harness.session.receipt import NULL_CONTROL, Block, Phase, Receipt, SessionPlan, Shard, Side, State
from harness.session.sides.measured import refuse_unused
from harness.session.sides.overlay import contents
from harness.session.sides.prepare import Prepared, prepare
from harness.session.sides.subjects import Subject, TargetSide
from harness.session.slots import discovery
from harness.session.slots.block import NULL, BlockRequest, Stage, run_block
from harness.session.slots.discovery import Survey
from harness.session.slots.injection import Injection
from harness.session.slots.launch import Limits
from harness.session.slots.sizing import Discovery, Found
from harness.session.slowing import slowing
from harness.storage.stamps import started_now
from harness.supervise import Supervisor

TROUBLES_IN_A_ROW = 3
SHORT_CALL_NS = 3_000_000
"""Longest call that fits into a slice, in ns: one of those benchmarks serves as null control."""

PlanFor = Callable[[Discovery], SessionPlan]
"""Function that sets the amount of measurement once the benchmarks and their times are known."""
Write = Callable[[Receipt], None]
Look = Callable[[Receipt], frozenset[str]]


class Looks(Protocol):
    """The judge's looks at the data: before each block it names the benchmarks that need one more."""

    def screening(self, receipt: Receipt, /) -> frozenset[str]:
        """Return the benchmarks of the next block of the screen; none if the screen is over."""

    def confirming(self, receipt: Receipt, /) -> frozenset[str]:
        """Return the benchmarks of the next block of fresh data; none if none is needed."""

    def to_confirm(self, receipt: Receipt, /) -> tuple[frozenset[str], int]:
        """Return the benchmarks that appear changed so far, and the fewest fresh blocks that could confirm them."""


class Progress(Protocol):
    """The receiver of a session's progress."""

    def block(self, phase: Phase, done: int, planned: int, receipt: Receipt, /) -> None:
        """Receive that `done` of at most `planned` blocks of a phase are measured."""


@dataclasses.dataclass(frozen=True, slots=True)
class SessionRequest:
    """A comparison to make. `log` is the file for the output of the slots and their tools."""

    base: Subject
    candidate: Subject
    policy: Policy
    seed: int
    log: Path
    command: str = "compare"
    suites: tuple[str, ...] = ("micro",)
    limits: Limits = dataclasses.field(default_factory=Limits)
    injection: Injection | None = None
    shard: Shard | None = None
    """The share of the suite to measure, without the suite's names; None for all of it."""
    select: tuple[str, ...] = ()
    """Words that choose the benchmarks; without any, all of them."""


def run_session(
    request: SessionRequest,
    *,
    plan_for: PlanFor,
    looks: Looks,
    supervisor: Supervisor,
    write: Write,
    progress: Progress,
) -> Receipt:
    """Run the micro suite as a session, and return its receipt, which `write` receives after every block.

    Ctrl-C after the sides are prepared ends the session regularly: its receipt is marked `interrupted`.
    Raises UsageError for errors that the caller can correct, ForeignCodeError if a side loads foreign code.
    """
    started_s = time.monotonic()
    with prepare(request.base, request.candidate, request.policy, supervisor, request.log) as prepared:
        receipt = begin_receipt(request, prepared)
        session = MicroSession(request, prepared, supervisor, receipt, write, progress)
        try:
            session.run(plan_for, looks)
            receipt.finished = not receipt.trouble
        except KeyboardInterrupt:
            receipt.interrupted = True
    receipt.harness_seconds = time.monotonic() - started_s - session.slice_seconds
    write(receipt)
    return receipt


def begin_receipt(request: SessionRequest, prepared: Prepared) -> Receipt:
    """Return the receipt of a session before its first measurement."""
    policy = without_secrets(msgspec.to_builtins(request.policy))
    return Receipt(
        command=request.command,
        started_at=started_now(),
        seed=request.seed,
        suites=list(request.suites),
        select=list(request.select),
        base=prepared.facts_with_code(Side.BASE),
        candidate=prepared.facts_with_code(Side.CANDIDATE),
        environment=environment.collect(prepared.trees[Side.CANDIDATE]),
        policy=policy,
        policy_sha256=hashlib.sha256(msgspec.json.encode(policy, order="sorted")).hexdigest(),
        plan=SessionPlan(),
        measured=list(prepared.measured),
        notes=list(prepared.notes),
    )


class MicroSession:
    """The micro blocks of one session, written into its receipt."""

    def __init__(
        self,
        request: SessionRequest,
        prepared: Prepared,
        supervisor: Supervisor,
        receipt: Receipt,
        write: Write,
        progress: Progress,
        pace: Pace | None = None,
    ) -> None:
        self.slice_seconds = 0.0
        self._pace = pace or Pace()
        self._request, self._prepared, self._receipt = request, prepared, receipt
        self._write, self._progress = write, progress
        self._rng = random.Random(request.seed)
        self._contents = {side: contents(prepared.homes[side].overlay) for side in Side}
        self._stage = Stage(
            supervisor, prepared.bench, prepared.homes, {}, log=request.log,
            limits=request.limits.within(self._pace.allowance.left_s),
        )  # fmt: skip
        self._found: Discovery | None = None

    @property
    def stage(self) -> Stage:
        """The environment of its blocks, for callers that run other tools in the same slots."""
        return self._stage

    def run(self, plan_for: PlanFor, looks: Looks) -> None:
        """Discover, screen and confirm."""
        found = self.discover()
        self.adopt(found, plan_for(found))
        self.measure(looks)

    def measure(self, looks: Looks) -> None:
        """Screen and confirm the adopted benchmarks; nothing where none runs on both sides."""
        if not any(one.state is State.BOTH for one in self._receipt.benchmarks):
            return
        plan = self._receipt.plan
        sides = (Side.BASE, Side.CANDIDATE, NULL)
        warm_byte_code(dataclasses.replace(self._stage, homes=self._prepared.swapped), sides)
        least = plan.blocks_before_deciding
        screened = self._blocks(Phase.SCREEN, looks, looks.screening, least, plan.screen_blocks)
        if screened >= least:
            _, fewest = looks.to_confirm(self._receipt)
            self._blocks(Phase.CONFIRM, looks, looks.confirming, fewest, plan.confirm_blocks)
        self._receipt.notes += slowing(self._receipt)
        self._require_unchanged()

    def _require_unchanged(self) -> None:
        """Record trouble if a tree measured in place was edited: its blocks mix two states of the code."""
        for side, before in self._contents.items():
            now = contents(self._prepared.homes[side].overlay)
            changed = sorted(name for name in before if now.get(name) != before[name])
            if changed:
                self._receipt.trouble.append(
                    f"The {side}'s files changed while they were measured: {', '.join(changed[:3])}"
                )

    def discover(self) -> Discovery:
        """Run every benchmark of the candidate for a few calls, and on the base those that both sides have."""
        # The first import from a folder compiles; this listing also tells the contents of the base's suite.
        listed = discovery.listing(self._stage, NULL)
        base_names = self._base_names()
        if self._request.shard is None:
            look = self._pace.allowance.look()
            candidate = discovery.survey(self._stage, Side.CANDIDATE, look, self._chosen)
        else:
            listed, candidate, base_names = self._divide(self._request.shard, listed, base_names)
        ran = {name for name, one in candidate.ran.items() if one.outcome != "listed"}
        common = listed.files.keys() & ran
        if listed.trouble:
            base = self._mine(discovery.listing(self._stage, Side.BASE))
        else:
            base = discovery.survey_of(self._stage, Side.BASE, common, listed)
        if isinstance(self._request.candidate, TargetSide):
            discovery.require_measurable(base, candidate)
        found, notes = discovery.merge(base, candidate, base_names, self._prepared.bench)
        found = [one for one in found if is_chosen(one.name, self._request.select)] + self._skipped(candidate)
        # The share of a shard may have nothing to measure; the judge of all shards sees to it that some has.
        if self._request.shard is None or candidate.trouble:
            discovery.require_some(found, notes, base, candidate, self._prepared.bench.suite)
        if candidate.is_whole and self._request.shard is None and len(ran) == len(candidate.files):
            prepared, named = self._prepared, self._request.policy.source_roots
            tree = str(prepared.trees[Side.CANDIDATE])
            refuse_unused(prepared.measured, named, base.imported | candidate.imported, tree)
        both = [one for one in found if one.state is State.BOTH]
        short = [one for one in both if one.slower_ns < SHORT_CALL_NS and not one.most_calls]
        null_of = self._rng.choice(short or both).name if both else None
        return Discovery(tuple(found), max(base.start_s, candidate.start_s), null_of, tuple(notes))

    def _divide(
        self, shard: Shard, base: Survey, base_names: frozenset[str]
    ) -> tuple[Survey, Survey, frozenset[str]]:
        """Return both sides' surveys, and the names of the base's own suite, without what other shards measure."""
        listed = discovery.listing(self._stage, Side.CANDIDATE)
        self._receipt.shard = shards.of_suite(shard, base, listed, base_names)
        share = shards.share_of(self._receipt.shard)
        base, mine = shards.only(share, base, listed)
        look = self._pace.allowance.look()
        candidate = discovery.survey_of(self._stage, Side.CANDIDATE, self._chosen(mine), mine, look)
        return base, candidate, base_names & share

    def _mine(self, listed: Survey) -> Survey:
        """Return a listing without what other shards measure."""
        shard = self._receipt.shard
        return listed if shard is None else shards.only(shards.share_of(shard), listed)[0]

    def _chosen(self, found: discovery.Survey) -> list[str]:
        """Return the benchmarks to run: those selected, without those that the policy skips, which would only cost time."""
        names = choose(list(found.files), self._request.select, found.errors)
        return [name for name in names if self._request.policy.skipped(name) is None]

    def _skipped(self, candidate: discovery.Survey) -> list[Found]:
        skipped = {name: self._request.policy.skipped(name) for name in candidate.files}
        return [
            Found(name, candidate.files[name], State.SKIPPED, note=why)
            for name, why in skipped.items()
            if why is not None and is_chosen(name, self._request.select)
        ]

    def _base_names(self) -> frozenset[str]:
        bench = self._prepared.base_bench
        if bench is None:
            return frozenset()
        return frozenset(discovery.listing(dataclasses.replace(self._stage, bench=bench), Side.BASE).files)

    def adopt(self, found: Discovery, plan: SessionPlan) -> None:
        """Record the benchmarks of the session, and the amount of measurement."""
        self._receipt.plan, self._found = plan, found
        benchmarks = [one.planned(plan) for one in found.found]
        controls = [
            msgspec.structs.replace(one, name=NULL_CONTROL, of=one.name)
            for one in benchmarks
            if one.name == found.null_of
        ]
        self._receipt.benchmarks = [*benchmarks, *controls]
        self._receipt.notes += found.notes
        spin = self._request.injection.spin(benchmarks) if self._request.injection else {}
        self._stage = dataclasses.replace(self._stage, files=found.files, spin=spin)
        self._write(self._receipt)

    def _blocks(self, phase: Phase, looks: Looks, look: Look, least: int, most: int) -> int:
        """Measure blocks of a phase as long as `look` names benchmarks; return the number of usable ones.

        A block with trouble is repeated, blind to its data.
        """
        done = troubles = 0
        while not self._receipt.trouble and (names := look(self._receipt)):
            asked = Asked(phase, done, least, most, self._block_s(names), self._later_s(phase, looks))
            if not self._pace.has_time(asked):
                self._pace.end(asked, self._receipt)
                break
            block = run_block(self._staged(), self._next(phase, names))
            self._pace.allowance.took(asked.block_s, block.seconds)
            troubles = troubles + 1 if block.trouble else 0
            done += not block.trouble
            self._keep(block, troubles)
            self._progress.block(phase, done, most, self._receipt)
        return done

    def _later_s(self, phase: Phase, looks: Looks) -> float:
        """Return the time to confirm what appears changed so far, in seconds."""
        if phase is Phase.CONFIRM or self._pace.allowance.budget_s is None:
            return 0.0
        names, blocks = looks.to_confirm(self._receipt)
        return blocks * self._block_s(names)

    def _block_s(self, names: Collection[str]) -> float:
        return self._found.block_s(self._receipt.plan, names) if self._found else 0.0

    def _staged(self) -> Stage:
        """Return the environment of the next block: the overlays change places from block to block."""
        homes = self._prepared.swapped if len(self._receipt.blocks) % 2 else self._prepared.homes
        limits = self._stage.limits.within(self._pace.allowance.left_s)
        return dataclasses.replace(self._stage, homes=homes, limits=limits)

    def _next(self, phase: Phase, names: Collection[str]) -> BlockRequest:
        number, seed = len(self._receipt.blocks), self._rng.getrandbits(48)
        every = self._receipt.benchmarks
        carriers = {one.of for one in every if one.name == NULL_CONTROL}
        chosen = [
            one for one in every if one.name in names or one.name in carriers or one.name == NULL_CONTROL
        ]
        return BlockRequest(number, phase, seed, chosen, swapped=bool(number % 2))

    def _keep(self, block: Block, troubles: int) -> None:
        self._receipt.blocks.append(block)
        self.slice_seconds += 1e-9 * sum(
            sum(slices.base_ns) + sum(slices.candidate_ns) for slices in block.slices.values()
        )
        if troubles == TROUBLES_IN_A_ROW:
            self._receipt.trouble.append(f"{troubles} blocks in a row measured nothing: {block.trouble}")
        self._write(self._receipt)


def warm_byte_code(stage: Stage, sides: Collection[str]) -> None:
    """Import once from fresh overlays: the first import from a folder compiles, and is not representative."""
    for side in sides:
        discovery.listing(stage, side)
