"""The work of `harness capacity`: servers, then one probe after the other, each stored before the next begins."""

import dataclasses
import math
import time
from pathlib import Path

from harness import environment
from harness.capacity.document import KIND, PROBES, CapacityDocument, Ended, ProbeFacts, seen_of
from harness.capacity.search import Bounds
from harness.capacity.seen import Sight
from harness.capacity.sizing import OVERHEAD_S, calls_needed, probe_s, search_s
from harness.capacity.steps import next_step
from harness.console.console import Talk
from harness.errors import HarnessError, InvalidRunError, RefusedError, UsageError
from harness.plans.plan import MAX_RATE_PER_S
from harness.policy.slo import State
from harness.reading.limits import read_limit
from harness.run.directory import RunDirectory
from harness.storage.stamps import started_now
from harness.supervise import Supervisor
from harness.table import calls
from harness.units import format_duration, format_rate_in_full
from harness.work.client_ceiling import with_client
from harness.work.ended import EarlyEnd
from harness.work.preparing import probed_per_s
from harness.work.probing import Prober, Question
from harness.work.servers import Backends, data_of, provide

# The search begins at a quarter of the closed users' throughput, and goes down to a 64th of it. It begins no higher than
# the load generator drives with ease: a rate that it cannot drive says nothing about the target.
_START_SHARE, _LOWEST_SHARE = 1 / 4, 1 / 64
_HIGHEST_START_PER_S = 2_000.0


@dataclasses.dataclass(frozen=True, slots=True)
class CapacityRequest:
    """The checked request of the user."""

    question: Question
    start_per_s: float | None
    tolerance: float
    budget_s: float
    backends: str
    out: Path


def carry_out(request: CapacityRequest, talk: Talk) -> tuple[RunDirectory, CapacityDocument]:
    """Search until the answer is settled, the budget is used up, or the user ends it; all probes are kept.

    An error before the first probe is raised; a later one ends the search and is reported with the results.
    """
    began_s = time.monotonic()
    folder = _folder(request)
    early = EarlyEnd()
    begun: list[CapacityDocument] = []
    try:
        with early.measuring(lambda: any(document.probes for document in begun)) as supervisor:
            data = data_of(request.question.selection.spec)
            servers = provide(request.backends, supervisor, folder.servers, talk, data)
            with servers as started:
                question = request.question
                backends = with_client(started, question.selection, question.plan, supervisor, talk)
                prober = Prober(question, folder.path / PROBES, supervisor, backends, talk)
                bounds = _bounds(request, supervisor, backends, talk)
                begun.append(_document(request, bounds, backends))
                _search(request, bounds, prober, folder, begun[0], began_s)
    except HarnessError:
        folder.discard()
        raise
    if not begun:
        folder.discard()
        raise KeyboardInterrupt
    (document,) = begun
    _note(early, document)
    folder.write(document)
    return folder, document


def _note(early: EarlyEnd, document: CapacityDocument) -> None:
    """Record the end of the search, and the reason if it ended early."""
    document.status = "finished"
    if early.interrupted:
        document.ended = Ended.INTERRUPTED
    if early.error is not None:
        document.ended = Ended.REFUSED if isinstance(early.error, RefusedError) else Ended.FAILED
        document.trouble = str(early.error)


def _folder(request: CapacityRequest) -> RunDirectory:
    folder = RunDirectory.create(request.out, KIND, "", KIND)
    (folder.path / PROBES).mkdir()
    return folder


def _bounds(request: CapacityRequest, supervisor: Supervisor, backends: Backends, talk: Talk) -> Bounds:
    plan = request.question.plan
    fastest = max(max(stage.start, stage.end) for stage in plan.scenario.stages)
    most_per_s = min(MAX_RATE_PER_S, calls.MAX_ROWS / (2 * (plan.duration_s + plan.warmup_s))) / fastest
    start_per_s = lowest_per_s = request.start_per_s
    if start_per_s is None or lowest_per_s is None:
        selection = request.question.selection
        probed = probed_per_s(selection, selection.variants[0], plan, supervisor, backends, talk)
        if not probed:
            raise InvalidRunError(
                f"No starting rate could be found: no call of '{selection.spec.shown}' completed",
                remedy="Check why the calls fail, or give a --rate",
            )
        start_per_s, lowest_per_s = (
            float(f"{min(probed * share, _HIGHEST_START_PER_S):.2g}")
            for share in (_START_SHARE, _LOWEST_SHARE)
        )
    about_s = min(search_s(plan.duration_s, plan.warmup_s), request.budget_s)
    talk.say(
        f"Searching from {format_rate_in_full(start_per_s)}: about {format_duration(round(about_s))}, "
        f"at most {format_duration(request.budget_s)}"
    )
    return Bounds(start_per_s, lowest_per_s, max(most_per_s, start_per_s), request.tolerance)


def _document(request: CapacityRequest, bounds: Bounds, backends: Backends) -> CapacityDocument:
    question = request.question
    return CapacityDocument(
        scenario=question.plan.scenario.name,
        target=question.selection.spec.shown,
        variant=question.selection.variants[0],
        seed=question.plan.seed,
        started_at=started_now(),
        command=question.command,
        slos=list(question.slos),
        metric=question.metric,
        start_per_s=bounds.start_per_s,
        lowest_per_s=bounds.lowest_per_s,
        most_per_s=bounds.most_per_s,
        tolerance=bounds.tolerance,
        budget_s=request.budget_s,
        warmup_s=question.plan.warmup_s,
        arrivals=question.plan.scenario.arrivals,
        shape=list(question.shape),
        environment={**environment.collect(), "backends": backends.kind},
    )


def _search(
    request: CapacityRequest,
    bounds: Bounds,
    prober: Prober,
    folder: RunDirectory,
    document: CapacityDocument,
    began_s: float,
) -> None:
    needed = calls_needed([read_limit(text) for text in request.question.slos])
    plan = request.question.plan
    while document.ended is None:
        step = next_step([seen_of(probe) for probe in document.probes], bounds)
        if step is None:
            document.ended = Ended.SETTLED
            continue
        duration_s = probe_s(step.rate_per_s, needed, plan.duration_s, request.budget_s)
        left_s = request.budget_s - (time.monotonic() - began_s)
        needed_s = duration_s + plan.warmup_s + OVERHEAD_S
        if needed_s > left_s and not document.probes:
            raise _no_room(request.budget_s, request.budget_s - left_s, needed_s)
        if needed_s > left_s:
            document.ended = Ended.BUDGET
            continue
        folder.write(document)
        facts, ending = prober.probe(step, duration_s, len(document.probes) + 1)
        document.probes.append(facts)
        prober.talk.say(f"  {told(facts)}")
        ending.raise_refusal()
        if ending.interrupted:
            document.ended = Ended.INTERRUPTED


def _no_room(budget_s: float, spent_s: float, needed_s: float) -> UsageError:
    return UsageError(
        f"The budget of {format_duration(budget_s)} is too small for one probe: servers and the search for a rate took "
        f"{format_duration(round(spent_s))}, and a probe takes {format_duration(round(needed_s))}",
        remedy=f"Give a --budget of at least {format_duration(math.ceil(1.25 * spent_s + needed_s))}",
    )


def told(facts: ProbeFacts) -> str:
    """Return the result of one probe as progress text."""
    why = ""
    if facts.sight is Sight.INVALID:
        why = f": {facts.reasons[0]}" if facts.reasons else ""
    elif facts.sight is not Sight.HELD:
        unkept = [limit for limit in facts.limits if limit.state != State.CERTIFIED]
        why = f": {unkept[0].what} {unkept[0].sentence}" if unkept else ""
    return f"{format_rate_in_full(facts.rate_per_s)} {facts.sight}{why}"
