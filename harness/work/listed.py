"""The answer of `--dry-run`: what would be measured, what would not and why, and how long it would take."""

import dataclasses
from collections.abc import Mapping, Sequence

from harness.console.console import Talk
from harness.console.session_progress import Narrowing
from harness.exact.suite import trace_seconds
from harness.micro.process import collect
from harness.session.allowance import Allowance
from harness.session.conductor import MicroSession, SessionRequest, begin_receipt
from harness.session.pace import Pace
from harness.session.receipt import SessionPlan, State
from harness.session.sides.builds import Builder
from harness.session.sides.built import prepare_sides
from harness.supervise import Supervisor, private_folder, termination_as_exception
from harness.work.comparison import ComparisonRequest
from harness.work.micro_runs import BenchRequest, built_suite, chosen_of

_BENCH_S = 1.5
"""Time that pytest-benchmark takes for a benchmark in its own settings, with its calibration, in seconds."""


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """The benchmarks to measure; `aside` are those that are not, and files, with the reason. Times are in seconds."""

    benchmarks: tuple[str, ...]
    aside: Mapping[str, str]
    least_s: float
    most_s: float
    notes: Sequence[str] = ()


def listed_bench(request: BenchRequest, talk: Talk) -> Listed:
    """Return what `harness bench` would measure. Raises as `micro_runs.carry_out`."""
    with (
        termination_as_exception(),
        Supervisor() as supervisor,
        built_suite(request, supervisor, talk) as suite,
    ):
        contents = collect(supervisor, suite)
    names = chosen_of(contents, request)
    seconds = _BENCH_S * len(names) * len(request.variants)
    aside = {
        **contents.aside,
        **{file: f"cannot be imported: {why}" for file, why in contents.broken.items()},
    }
    return Listed(names, aside, seconds, seconds)


def listed_session(asked: ComparisonRequest, talk: Talk) -> Listed:
    """Return what a session would measure, found by calling each benchmark of both sides a few times.

    Raises as `sessions.carry_out`. Nothing is left behind.
    """
    with private_folder() as folder, termination_as_exception(), Supervisor() as supervisor:
        log = folder / "slots.log"
        request = SessionRequest(
            asked.base, asked.candidate, asked.policy, asked.seed, log, asked.command, asked.suites, select=asked.select
        )  # fmt: skip
        with prepare_sides(
            asked.base,
            asked.candidate,
            asked.policy,
            supervisor,
            log,
            builder=Builder.of(asked.build, supervisor, talk.say),
        ) as prepared:
            talk.say("Finding the benchmarks of both sides …")
            receipt = begin_receipt(request, prepared)
            session = MicroSession(
                request,
                prepared,
                supervisor,
                receipt,
                lambda _receipt: None,
                Narrowing(talk),
                Pace(Allowance(None)),
            )
            found = session.discover()
    plan = SessionPlan()
    beside_s = found.warm_s()
    if "exact" in asked.suites:
        beside_s += trace_seconds(
            [one.slower_ns for one in found.found if one.state is State.BOTH], found.start_s
        )
    block_s = found.block_s(plan)
    aside = {one.name: f"{one.state}: {one.note}" for one in found.found if one.state is not State.BOTH}
    most_blocks = plan.screen_blocks + plan.confirm_blocks
    least_s, most_s = (beside_s + block_s * blocks for blocks in (plan.least_blocks, most_blocks))
    return Listed(found.comparable, aside, least_s, most_s, (*receipt.notes, *found.notes))
