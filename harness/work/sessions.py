"""The work of `compare`, `gate` and `ablate`: both sides interleaved, suite after suite, into one session record (receipt)."""

import contextlib
import dataclasses
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness.console.console import Talk
from harness.console.session_progress import Narrowing
from harness.exact.sides import count_exactly, count_seconds, trace_exactly
from harness.exact.suite import trace_seconds, trace_suite
from harness.explain.rounds import ROUNDS, seconds_needed
from harness.explain.suspects import TIMED, explain, profiled_benchmarks
from harness.instructions.amounts import counting_seconds
from harness.instructions.suite import count_suite
from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.judge.plan import what_it_detects
from harness.judge.verdict import Verdict
from harness.micro.choosing import is_chosen
from harness.model import Executor
from harness.policy.policy import Policy
from harness.session.allowance import END_S, Allowance
from harness.session.conductor import MicroSession, SessionRequest, begin_receipt
from harness.session.load.block import LoadSession
from harness.session.load.blocks import (
    at_rate_of_slower_side,
    load_session_seconds,
    probe_seconds,
    prove_servers,
    run_load_blocks,
)
from harness.session.pace import Pace
from harness.session.receipt import Count, Receipt, SessionPlan, Side, State
from harness.session.sides.builds import Builder
from harness.session.sides.built import note_build, prepare_sides
from harness.session.sides.prepare import Prepared
from harness.session.sides.served import served_sides
from harness.session.slots.sizing import Discovery, Found
from harness.supervise import Supervisor, termination_as_exception
from harness.units import format_duration
from harness.work.budgets import (
    confirming_s,
    load_plan_within,
    plan_within,
    require_room_for_counting,
    require_room_for_load,
)
from harness.work.comparison import SUITES, ComparisonRequest, LoadOptions
from harness.work.ended import EarlyEnd
from harness.work.servers import provide
from harness.work.session_folder import SessionFolder
from harness.work.sides import counted_subjects, loaded_subjects, overlays

USUAL_SPREAD = 0.01
"""Spread of blocks of this kind on a shared machine, for the forecast only."""


@dataclasses.dataclass(slots=True)
class Session:
    """A session that was carried out, completely or not."""

    folder: SessionFolder
    receipt: Receipt


def carry_out(asked: ComparisonRequest, talk: Talk) -> Session:
    """Measure both sides. Ctrl-C ends the work cleanly and keeps what was measured.

    Raises `UsageError` for errors of the caller; nothing has been measured then, and no folder is left.
    """
    allowance = Allowance(asked.budget_s)
    folder = SessionFolder(asked.out, asked.name)
    started_s = time.monotonic()
    try:
        with (
            termination_as_exception(),
            Supervisor() as supervisor,
            prepare_sides(
                asked.base, asked.candidate, asked.policy, supervisor, folder.log,
                builder=Builder.of(asked.build, supervisor, talk.say), with_suite=asked.has_benchmarks,
                is_served=asked.is_served,
            ) as prepared,
        ):  # fmt: skip
            work = _Work(asked, talk, folder, supervisor, prepared, allowance)
            work.run()
            work.receipt.harness_seconds = time.monotonic() - started_s - work.slice_seconds
            folder.write(work.receipt)
        return Session(folder, work.receipt)
    finally:
        folder.finish()
        folder.discard_if_empty()


class _Work:
    """One session, suite after suite, while both sides are prepared."""

    def __init__(
        self,
        asked: ComparisonRequest,
        talk: Talk,
        folder: SessionFolder,
        supervisor: Supervisor,
        prepared: Prepared,
        allowance: Allowance,
    ) -> None:
        self._asked, self._talk, self._folder = asked, talk, folder
        self._supervisor, self._prepared = supervisor, prepared
        self._looks = Looks(asked.policy)
        self._allowance, self._pace = allowance, Pace(allowance)
        self._request = SessionRequest(
            asked.base, asked.candidate, asked.policy, asked.seed, folder.log, asked.command, asked.suites,
            shard=asked.shard,
            select=asked.select,
        )  # fmt: skip
        self.receipt = begin_receipt(self._request, prepared)
        note_build(self.receipt, prepared, asked.build)
        self.slice_seconds = 0.0
        self._progress = Narrowing(talk)
        self._session: MicroSession | None = None
        self._found: tuple[Found, ...] = ()
        self._counting_s = self._blocks_s = 0.0
        """Planned times of counting instructions and of the blocks after it, in seconds."""

    def run(self) -> None:
        """Measure every suite, then profile to explain a regression."""
        early = EarlyEnd()
        with early.noted(self._folder.receipt_path.exists):
            self._measure()
        if early.interrupted:
            self.receipt.interrupted = True
        if early.error is not None:
            # Earlier measurements are kept, but the session does not pass.
            self.receipt.trouble.append(str(early.error))
            self._folder.write(self.receipt)
            raise early.error

    def _measure(self) -> None:
        suites = {
            "exact": self._exact, "instructions": self._instructions, "micro": self._micro, "load": self._load,
        }  # fmt: skip
        if (load := self._asked.load) is not None:
            require_room_for_load(
                self._asked.budget_s, self._asked.policy, self._asked.share_of("load"),
                (load.duration_s, load.warmup_s), has_servers=load.backends == "embedded",
            )  # fmt: skip
        if self._asked.has_benchmarks:
            self._look()
        if not self.receipt.trouble:
            for suite in SUITES:
                if suite in self._asked.suites:
                    suites[suite]()
            self.receipt.finished = not self.receipt.trouble
            self._explain()

    def _look(self) -> None:
        """Find out what can be measured before measuring. A session that cannot end in a verdict ends here."""
        asked = self._asked
        self._talk.say("Finding the benchmarks of both sides …")
        session = self._session = MicroSession(
            self._request, self._prepared, self._supervisor, self.receipt, self._folder.write, self._progress,
            self._pace,
        )  # fmt: skip
        if asked.budget_s is not None:
            self._allowance.set_aside(asked.budget_s * (1 - asked.share_of("micro")))
        found = session.discover()
        if "instructions" in asked.suites:
            self._found = found.found
            self._counting_s = counting_seconds(found)
            require_room_for_counting(self._allowance, self._counting_s)
        is_timed = "micro" in asked.suites and bool(found.comparable)
        session.adopt(found, self._plan_for(found) if is_timed else SessionPlan())
        if why := found.hopeless:
            self.receipt.trouble.append(why)
        self._folder.write(self.receipt)

    def _exact(self) -> None:
        if self._session is not None and any(one.state is State.BOTH for one in self.receipt.benchmarks):
            self._talk.say("Counting allocations of the benchmarks …")
            self._keep(trace_suite(self._session.stage, self.receipt.benchmarks))
        driven = self._asked.driven
        if driven is None or self._asked.is_served:
            return
        self._talk.say("Counting back-end calls and allocations on both sides …")
        with self._scratch() as scratch:
            subjects = counted_subjects(driven, overlays(self._prepared, scratch))
            base, candidate = subjects[Side.BASE], subjects[Side.CANDIDATE]
            for count in (count_exactly, trace_exactly):
                if self._allowance.left_s <= 0:
                    self.receipt.cut = "The budget was used up before everything was counted: raise --budget"
                    return
                self._keep(count(self._supervisor, base, candidate, scratch))

    def _instructions(self) -> None:
        if self._session is None:
            return
        count = sum(one.state is State.BOTH for one in self._found)
        self._talk.say(
            f"Counting the instructions of {count} benchmarks: about {_about(self._counting_s)}, and up to twice that where they differ …"
        )
        if self._counting_s > self._allowance.left_s:
            self.receipt.cut = "The budget has no room for counting instructions: raise --budget"
            return
        self._keep(
            count_suite(
                self._session.stage, self._found, self._asked.seed,
                lambda: self._allowance.left_s > self._counting_s / 2 + self._blocks_s,
            )
        )  # fmt: skip

    def _keep(self, counts: list[Count]) -> None:
        """Add counts to the receipt; records that two ways of counting share, such as failures, are added once."""
        counts = [one for one in counts if is_chosen(one.benchmark, self._asked.select)]
        known = {(count.benchmark, count.metric) for count in self.receipt.counts}
        self.receipt.counts += [count for count in counts if (count.benchmark, count.metric) not in known]
        self._folder.write(self.receipt)

    def _micro(self) -> None:
        if self._session is None:
            return
        with self._progress:
            try:
                self._session.measure(self._looks)
            finally:
                self.slice_seconds += self._session.slice_seconds

    def _explain(self) -> None:
        """Profile the regressed benchmarks while both sides are still prepared. Counted metrics name their functions themselves."""
        found = judge(self.receipt, self._asked.policy).comparisons
        regressed = [
            (one.benchmark, one.metric)
            for one in found
            if one.counts_as is Verdict.REGRESSED and one.counts and one.metric in TIMED
        ]
        if not regressed:
            return
        names = list(profiled_benchmarks(self.receipt, regressed))
        while names and seconds_needed(len(names)) * self._allowance.pace > self._allowance.left_s:
            names.pop()
        if names:
            self._talk.say(
                f"Profiling both sides again, in {ROUNDS} rounds, for the functions that changed: "
                f"about {_about(seconds_needed(len(names)))} …"
            )
            chosen = [(name, metric) for name, metric in regressed if name in names]
            stage = self._session.stage if self._session else None
            self.receipt.suspects = explain(self.receipt, chosen, stage, most_s=self._allowance.left_s)
        elif self._asked.budget_s is not None:
            self.receipt.notes.append(
                "The budget left no time to profile both sides for the functions that changed: it takes about "
                f"{_about(seconds_needed(1))} more"
            )

    def _beside_blocks_s(self, found: Discovery) -> float:
        """Return the approximate time of the session beside blocks, including the time passed: counting, fresh imports, the end."""
        counted_s = self._counting_s
        if "exact" in self._asked.suites:
            counted_s += trace_seconds(
                [one.slower_ns for one in found.found if one.state is State.BOTH], found.start_s
            )
            counted_s += count_seconds() if self._asked.driven is not None else 0.0
        return self._allowance.spent_s + counted_s + found.warm_s() + END_S

    def _plan_for(self, found: Discovery) -> SessionPlan:
        asked = self._asked
        count = len(found.comparable)
        block_s = found.block_s(SessionPlan())
        plan = plan_within(
            asked.budget_s, block_s, self._shared_policy, count, asked.share_of("micro"),
            self._beside_blocks_s(found), confirming_s(found),
        )  # fmt: skip
        self._blocks_s = block_s * (plan.screen_blocks + plan.confirm_blocks)
        self._talk.say(
            f"{count} benchmarks: about {_about(block_s * plan.least_blocks)} for {plan.least_blocks} blocks, which clear "
            f"what did not change, and up to {_about(block_s * (plan.screen_blocks + plan.confirm_blocks))} if all is noisy "
            f"and must be confirmed. {what_it_detects(plan, USUAL_SPREAD, self._shared_policy, count)}."
        )
        return plan

    @property
    def _shared_policy(self) -> Policy:
        """The policy with this session's part of the false alarm rate, which shards share."""
        policy, shard = self._asked.policy, self._asked.shard
        count = shard.count if shard else 1
        return msgspec.structs.replace(policy, alpha_percent=policy.alpha_percent / count)

    def _load(self) -> None:
        asked, options = self._asked, self._asked.load
        if asked.driven is None or options is None:
            return
        self._allowance.begin_suite()
        plan = options.plan(asked.seed)
        logs = self._folder.path / "servers"
        servers = provide(options.backends, self._supervisor, logs, self._talk, options.data)
        with self._scratch() as scratch, servers as backends:
            places = overlays(self._prepared, scratch)
            served = served_sides(self._prepared, places, scratch)
            session = LoadSession(
                self._supervisor, backends, loaded_subjects(asked.driven, places, backends, served), plan,
                self._folder.path / "segments", asked.policy.limits, served=served, locustfile=options.locustfile,
            )  # fmt: skip
            prove_servers(session)
            if options.locustfile:
                self.receipt.environment["locustfile"] = str(options.locustfile)
            self.receipt.environment |= {
                f"server of the {side}": one.server.settings.shown
                for side, one in asked.driven.items()
                if one.server
            }
            if options.rate_per_s is None and options.scenario.executor is Executor.OPEN:
                self._talk.say(f"Probing both sides, {_about(probe_seconds())} …")
                session = at_rate_of_slower_side(session)
            self._plan_load(options)
            with Narrowing(self._talk) as progress:
                run_load_blocks(
                    session, self.receipt, looks=self._looks, write=self._folder.write,
                    progress=progress, pace=self._pace,
                )  # fmt: skip
        if self.receipt.interrupted:
            raise KeyboardInterrupt

    def _plan_load(self, options: LoadOptions) -> None:
        """Fit the load blocks into their part of the budget, and report their duration."""
        asked = self._asked
        one_s, _ = load_session_seconds(SessionPlan(load_blocks=1), options.duration_s, options.warmup_s)
        beside_s = self._allowance.spent_s + END_S
        plan = load_plan_within(asked.budget_s, one_s, self._shared_policy, beside_s=beside_s)
        self.receipt.plan = msgspec.structs.replace(
            self.receipt.plan if "micro" in asked.suites else plan,
            load_blocks=plan.load_blocks, load_confirm_blocks=plan.load_confirm_blocks,
        )  # fmt: skip
        least_s, most_s = load_session_seconds(self.receipt.plan, options.duration_s, options.warmup_s)
        self._talk.say(
            f"Load: {self.receipt.plan.load_blocks} blocks, about {_about(least_s)}, and up to "
            f"{_about(most_s)} if something must be confirmed."
        )

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._prepared.folder) as name:
            yield Path(name)


def _about(seconds: float) -> str:
    return format_duration(max(1, round(seconds)))
