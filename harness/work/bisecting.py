"""The work of `harness bisect`: measure the ends, then the commits that the search names, until one of them is certain."""

import dataclasses
import math
import shutil
import statistics
import time
from pathlib import Path

import msgspec

from harness import environment
from harness.bisect import commits, reading
from harness.bisect.changed import changed_functions
from harness.bisect.document import NAME, Answer, Asked, BisectDocument, Measured, Outcome, Skipped
from harness.bisect.posterior import CERTAIN, Suspects
from harness.bisect.reading import Changes
from harness.bisect.search import BLOCKS, Search
from harness.console.console import Talk
from harness.errors import HarnessError, InvalidRunError, UsageError
from harness.history.states import facts_of
from harness.run.directory import decode, write_document
from harness.stats.sequential import compare_sequentially
from harness.storage import folder
from harness.storage.stamps import folder_name
from harness.units import format_percent
from harness.work.probes import Found, Prober

_SHORT = 12
_LONGEST_SUBJECT = 60
_WHOLE = 0.8
"""Share of the whole change below which a commit is said to have made a part of it."""


@dataclasses.dataclass(frozen=True, slots=True)
class BisectRequest:
    """The checked request of the user."""

    good: str
    bad: str
    select: str
    prober: Prober
    out: Path
    budget_s: float | None = None


class Bisection:
    """One search, stored after each measurement, so that it can be continued."""

    def __init__(self, request: BisectRequest, talk: Talk) -> None:
        self._request, self._talk = request, talk
        self._range = commits.between(request.prober.project, request.good, request.bad)
        self._facts = facts_of(request.prober.project, [self._range.good, *self._range.commits])
        asked = Asked(
            good=self._range.good, bad=self._range.bad, select=request.select, suite=request.prober.suite,
            metric=request.prober.metric,
        )  # fmt: skip
        self.path, self._document = self._begun(asked)
        self._ends_s = time.monotonic() + (request.budget_s or math.inf)

    def run(self) -> Answer:
        """Search to the end, or to Ctrl-C, or until the budget is used up. Raises what the session of the ends raises."""
        try:
            answer = self._search()
        except KeyboardInterrupt:
            return self._blank(Outcome.INTERRUPTED)
        else:
            self._document.answer = answer
            self._document.finished = answer.outcome is not Outcome.RANGE or time.monotonic() < self._ends_s
            return answer
        finally:
            if self._document.measured:
                self._store()
                folder.finish(self.path, folder.BISECT)
            elif self.path.exists():
                shutil.rmtree(self.path, ignore_errors=True)

    def _begun(self, asked: Asked) -> tuple[Path, BisectDocument]:
        """Return the folder of an unfinished search with the same question on this machine, or a new one."""
        facts = environment.collect(self._request.prober.project)
        for place in sorted(self._request.out.glob(f"*-bisect-*/{NAME}"), reverse=True):
            try:
                found = decode(place, BisectDocument)
            except InvalidRunError:
                continue
            if (
                found.asked == asked
                and not found.finished
                and not environment.differences(facts, found.environment)
            ):
                self._talk.say(f"Continuing {place.parent}: {len(found.measured)} commits are measured.")
                return place.parent, found
        path = self._request.out / folder_name("bisect")
        folder.make(path, folder.BISECT, "folder of the search")
        return path, BisectDocument(asked=asked, environment=facts)

    def _store(self) -> None:
        write_document(self.path / NAME, self._document, indent=1)

    def _search(self) -> Answer:
        document = self._document
        if not document.measured:
            self._measure_ends()
        values = document.measured[0].changes
        if not self._is_change(values):
            return self._no_change(values)
        self._say_ends(values)
        search = self._state()
        while (state := search.next()) is not None and time.monotonic() < self._ends_s:
            self._probe(search, state)
        return self._answer(search)

    def _measure_ends(self) -> None:
        prober, found = self._request.prober, self._range
        self._talk.say(
            f"Comparing the ends, {self._named(found.good)} and {self._named(found.bad)}: {len(found.commits)} commits …"
        )
        ends = prober.measure(found.good, found.bad, [self._request.select], None, 0)
        chosen = _most_changed(ends.changes, self._request.select)
        document = self._document
        document.benchmark, document.metric, document.unit = chosen.benchmark, chosen.metric, chosen.unit
        document.is_exact = prober.suite in {"exact", "instructions"}
        document.paths = list(ends.paths)
        document.commits = commits.grouped(prober.project, found, ends.paths)
        document.measured = [Measured(commit=found.good, changes=list(chosen.values))]
        self._store()

    def _is_change(self, values: list[float]) -> bool:
        return bool(values[0]) if self._document.is_exact else reading.differ(values)

    def _say_ends(self, values: list[float]) -> None:
        document = self._document
        self._talk.say(
            f"{document.benchmark} {document.metric}: {_change(statistics.median(values))} between the ends. "
            f"{len(document.commits) - 1} of {len(self._range.commits)} commits changed the measured code."
        )
        if len(document.commits) < 2:
            raise InvalidRunError(
                "The ends differ, and no commit between them changed the measured files",
                remedy="Compare them again: harness compare git:GOOD git:BAD; the change may come from outside of the packages",
            )

    def _state(self) -> Search:
        """Return the search with what the document holds."""
        document = self._document
        places = {commit: place for place, commit in enumerate(document.commits)}
        search = Search(len(document.commits) - 1, document.is_exact, probes=document.probes)
        search.changes = {
            places[one.commit]: one.changes for one in document.measured if one.commit in places
        }
        search.skipped = {places[one.commit]: one.reason for one in document.skipped if one.commit in places}
        return search

    def _probe(self, search: Search, state: int) -> None:
        """Measure one state, or skip it with the reason; store either."""
        document, commit = self._document, self._document.commits[state]
        document.probes += 1
        search.probes += 1
        try:
            found = self._request.prober.measure(
                commit, self._range.bad, [document.benchmark], BLOCKS, document.probes
            )
            values = _values(found, document.benchmark, document.metric)
        except HarnessError as error:
            search.skipped[state] = error.what
            document.skipped.append(Skipped(commit=commit, reason=error.what))
            self._talk.say(f"Skipped {self._named(commit)}: {error.what}")
        else:
            search.changes.setdefault(state, []).extend(values)
            known = next((one for one in document.measured if one.commit == commit), None)
            if known is None:
                document.measured.append(Measured(commit=commit, changes=search.changes[state]))
            self._say_probe(search, commit, values)
        self._store()

    def _say_probe(self, search: Search, commit: str, values: list[float]) -> None:
        answer = search.answer()
        lacking = sum(map(search.model.log_odds, values)) > 0
        names = self._document.commits
        left = (
            self._named(names[answer.first])
            if answer.first == answer.last
            else f"{names[answer.first][:_SHORT]} to {names[answer.last][:_SHORT]} ({answer.last - answer.first + 1} commits)"
        )
        self._talk.say(
            f"Probe {search.probes}: {self._named(commit)} {'lacks' if lacking else 'has'} the change; left: {left}, "
            f"{format_percent(answer.probability)}"
        )

    def _answer(self, search: Search) -> Answer:
        found, names = search.answer(), self._document.commits
        suspected = names[found.first : found.last + 1]
        own = search.own_effect(found)
        is_one = found.first == found.last and found.probability >= CERTAIN
        commit = suspected[0] if is_one else None
        before = names[found.first - 1]
        effect, low, high = (None if own is None else math.expm1(value) for value in own or (0.0, 0.0, 0.0))
        functions = (
            changed_functions(self._request.prober.project, before, commit, self._document.paths)
            if commit
            else []
        )
        return msgspec.structs.replace(
            self._blank(Outcome.FOUND if is_one else Outcome.RANGE),
            commit=commit, commits=suspected, probability=found.probability,
            subject=self._facts[commit].subject if commit in self._facts else "",
            effect=effect, low=low, high=high, functions=functions, notes=self._notes(search, found, own),
        )  # fmt: skip

    def _notes(self, search: Search, found: Suspects, own: tuple[float, float, float] | None) -> list[str]:
        notes = []
        total = search.model.effect
        share = max(own[1] / total, own[2] / total) if own is not None and found.first == found.last else 1.0
        if own is not None and share < 1 and own[0] / total < _WHOLE:
            notes.append(
                f"this commit made {_change(own[0])} of {_change(total)} between the ends: the rest came with other commits"
            )
        if found.first != found.last and any(
            state in search.skipped for state in range(found.first, found.last)
        ):
            notes.append(
                "the commits between could not be measured, so that the measurements cannot tell them apart"
            )
        elif found.first != found.last:
            notes.append(
                "the search ended before it was certain: give it more time, or run it again to continue"
            )
        if not self._range.is_linear:
            notes.append("the range holds merged branches, whose commits are not in one line")
        return notes

    def _no_change(self, values: list[float]) -> Answer:
        most = 0.0 if self._document.is_exact else reading.at_most(values)
        return msgspec.structs.replace(self._blank(Outcome.NO_CHANGE), at_most=math.expm1(most))

    def _blank(self, outcome: Outcome) -> Answer:
        """Return the answer with what is known in any case."""
        document = self._document
        low = high = total = None
        if document.measured:
            change = compare_sequentially(document.measured[0].changes)
            total = math.expm1(change.change)
            if not document.is_exact and math.isfinite(change.low):
                low, high = math.expm1(change.low), math.expm1(change.high)
        return Answer(
            outcome=outcome, good=self._range.good, bad=self._range.bad, benchmark=document.benchmark,
            metric=document.metric, total=total, total_low=low, total_high=high, probes=document.probes,
            skipped=document.skipped,
        )  # fmt: skip

    def _named(self, commit: str) -> str:
        subject = self._facts[commit].subject[:_LONGEST_SUBJECT] if commit in self._facts else ""
        return f"{commit[:_SHORT]} ({subject})" if subject else commit[:_SHORT]


def _change(log_ratio: float) -> str:
    return f"{math.expm1(log_ratio):+.2%}"


def _values(found: Found, benchmark: str, metric: str) -> list[float]:
    """Return the changes of the benchmark. Raises `InvalidRunError` with the reason if there are none."""
    for one in found.changes:
        if (one.benchmark, one.metric) == (benchmark, metric):
            if one.values:
                return list(one.values)
            raise InvalidRunError(one.why or "no block measured the benchmark")
    raise InvalidRunError(f"it lacks the benchmark '{benchmark}'")


def _most_changed(changes: list[Changes], select: str) -> Changes:
    """Return the benchmark and metric of which the change is the most certain, and among those the largest."""
    usable = [one for one in changes if one.values]
    if not usable:
        why = next((f"{one.benchmark}: {one.why}" for one in changes if one.why), "nothing was compared")
        raise UsageError(
            f"The ends cannot be compared by '{select}': {why}",
            remedy="Name a benchmark that both ends can run, or another --metric",
        )

    def weight(one: Changes) -> tuple[float, float]:
        p = 0.0 if len(one.values) == 1 else compare_sequentially(one.values).p_two_sided or 1.0
        return -max(p, reading.ALPHA), abs(statistics.median(one.values))

    return max(usable, key=weight)
