"""Measure one commit against another for a bisection: a few blocks of one benchmark, or counts."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.bisect.reading import LEAST_ENDS, MOST_ENDS, Changes, compared_changes, is_decided, wall_changes
from harness.console.console import Talk
from harness.errors import InvalidRunError
from harness.history.making import measured_paths
from harness.policy.build import Build
from harness.policy.policy import Policy
from harness.session.conductor import MicroSession, SessionRequest, begin_receipt
from harness.session.receipt import Phase, Receipt, SessionPlan
from harness.session.sides.builds import Builder
from harness.session.sides.built import prepare_sides
from harness.session.sides.subjects import TreeSide
from harness.supervise import Supervisor, private_folder, termination_as_exception
from harness.work.comparison import CHOICES, ComparisonRequest, load_options
from harness.work.sessions import carry_out
from harness.work.sides import driven_sides

_MOST_BAD = 2
"""Multiple of the wanted blocks that are tried: disturbed ones are measured again."""
_LOAD_BLOCKS = 5
_LOAD_ALPHA_PERCENT = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """The changes between two commits, and the paths that were measured; none where a side is built, or has compiled modules."""

    changes: list[Changes]
    paths: tuple[str, ...]


class _Quiet(Talk):
    """Output of a session of which only the answer matters."""

    def say(self, sentence: str) -> None:
        """Say nothing."""


class _NoProgress:
    def block(self, phase: Phase, done: int, planned: int, receipt: Receipt, /) -> None:
        """Show nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Looks:
    """Blocks of everything that is chosen: `wanted` good ones, or as many as decide about the ends."""

    wanted: int | None
    metric: str | None
    margin: float

    def screening(self, receipt: Receipt) -> frozenset[str]:
        """Return the benchmarks that need another block."""
        tried = sum(not block.trouble for block in receipt.blocks)
        found = wall_changes(receipt, self.metric)
        if not receipt.blocks:
            return frozenset(one.name for one in receipt.benchmarks if one.state == "both" and one.of is None)
        if tried >= _MOST_BAD * (self.wanted or MOST_ENDS):
            return frozenset()
        return frozenset(one.benchmark for one in found if not one.why and not self._has_enough(one))

    def _has_enough(self, one: Changes) -> bool:
        if self.wanted is not None:
            return len(one.values) >= self.wanted
        return is_decided(one.values, self.margin)

    def confirming(self, _receipt: Receipt) -> frozenset[str]:
        """Return nothing: every block of a search is of the screen."""
        return frozenset()

    def to_confirm(self, _receipt: Receipt) -> tuple[frozenset[str], int]:
        """Return nothing, as above."""
        return frozenset(), 0


@dataclasses.dataclass(frozen=True, slots=True)
class Prober:
    """The settings that all sessions of a search have in common."""

    project: Path
    policy: Policy
    suite: str
    metric: str | None
    seed: int
    scenario: str | None = None
    backends: str = "embedded"
    segment_s: float = 4.0
    build: Build | None = None
    """The command that builds each commit first; None to measure them as they are."""

    def measure(self, first: str, last: str, select: Sequence[str], blocks: int | None, number: int) -> Found:
        """Return the changes of `last` over `first`: in so many good blocks, or in as many as decide if there is a change.

        Each `number` draws orders and hash seeds of its own. Raises the errors of a session.
        """
        policy = self._policy(blocks)
        sides = (TreeSide(f"git:{first}", self.project, first), TreeSide(f"git:{last}", self.project, last))
        with private_folder() as folder:
            receipt = self._receipt(sides, tuple(select), blocks, self.seed + 1_000_003 * number, folder)
        if receipt.interrupted:
            raise KeyboardInterrupt
        if receipt.trouble:
            raise InvalidRunError(receipt.trouble[0])
        changes = (
            wall_changes(receipt, self.metric)
            if self.suite == "micro"
            else compared_changes(receipt, policy, self.metric)
        )
        # A build reads more files than those that are measured.
        return Found(changes, _paths(receipt) if self.build is None else ())

    def _policy(self, blocks: int | None) -> Policy:
        """Return the policy of a session. Under load a probe has few blocks: the search weighs them itself."""
        if self.suite != "load" or blocks is None:
            return self.policy
        return msgspec.structs.replace(self.policy, blocks=_LOAD_BLOCKS, alpha_percent=_LOAD_ALPHA_PERCENT)

    def _receipt(
        self,
        sides: tuple[TreeSide, TreeSide],
        select: tuple[str, ...],
        blocks: int | None,
        seed: int,
        folder: Path,
    ) -> Receipt:
        if self.suite != "micro":
            return carry_out(
                self._request(sides, select, seed, folder, self._policy(blocks)), _Quiet()
            ).receipt
        least = LEAST_ENDS if blocks is None else blocks
        plan = SessionPlan(
            least_blocks=least, screen_blocks=_MOST_BAD * (blocks or MOST_ENDS), confirm_blocks=0
        )
        with termination_as_exception(), Supervisor() as supervisor:
            request = SessionRequest(*sides, self.policy, seed, folder / "slots.log", "bisect", select=select)
            looks = _Looks(blocks, self.metric, self.policy.margin_percent / 100)
            builder = Builder.of(self.build, supervisor, lambda _sentence: None)
            return _session(request, plan, looks, supervisor, builder)

    def _request(
        self,
        sides: tuple[TreeSide, TreeSide],
        select: tuple[str, ...],
        seed: int,
        folder: Path,
        policy: Policy,
    ) -> ComparisonRequest:
        driven = driven_sides(sides[0].spec, sides[1].spec, self.policy)
        suites = ("load",) if self.suite == "load" else CHOICES[self.suite]
        load = (
            load_options(
                driven,
                policy,
                self.backends,
                scenario=self.scenario,
                segment_s=self.segment_s,
                rate_per_s=None,
            )
            if self.suite == "load"
            else None
        )
        return ComparisonRequest(
            base=sides[0], candidate=sides[1], policy=policy, suites=suites, seed=seed, out=folder, command="bisect",
            name="bisect", driven=driven, load=load, select=select, build=self.build,
        )  # fmt: skip


def _session(
    request: SessionRequest, plan: SessionPlan, looks: _Looks, supervisor: Supervisor, builder: Builder | None
) -> Receipt:
    """Do as `run_session`, on sides that are built first."""
    sides = request.base, request.candidate
    with prepare_sides(*sides, request.policy, supervisor, request.log, builder=builder) as prepared:
        receipt = begin_receipt(request, prepared)
        session = MicroSession(request, prepared, supervisor, receipt, lambda _receipt: None, _NoProgress())
        try:
            session.run(lambda _found: plan, looks)
            receipt.finished = not receipt.trouble
        except KeyboardInterrupt:
            receipt.interrupted = True
    return receipt


def _paths(receipt: Receipt) -> tuple[str, ...]:
    if any(root.base_compiled or root.candidate_compiled for root in receipt.measured):
        return ()
    return tuple(measured_paths(receipt))
