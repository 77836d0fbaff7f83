"""Build the history from a ledger: the course of each metric of each benchmark, tied to its start."""

import dataclasses
import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.history.chain import Edge, Level, levels
from harness.history.document import ChangePoint, Course, History, Point
from harness.history.entry import Entry, Evidence, Link, Machine, State
from harness.history.ledger import Ledger
from harness.history.location import ERROR
from harness.history.order import States, ordered_commits
from harness.history.segments import change_points
from harness.history.states import CommitFacts
from harness.judge.metrics import LOAD_METRICS
from harness.judge.verdict import Verdict
from harness.policy.history import HistoryRules, Machines

SHORT = 12
"""Digits of a commit that are shown."""
_PRIOR_BLOCKS = 8.0
"""Weight of the usual spread of a course beside the spread of one session, in blocks: eight blocks tell a spread badly."""
_LEAST_ERROR = 1e-7
_WORSE = {metric.name: metric.worse for metric in LOAD_METRICS.values()}
_TOGETHER = Machine(cpu="all machines together")
_YOUNG = "the benchmark is younger than the reference: its growth counts from its first state"
_UNTIED = "no measurement ties it to the reference: its growth counts from the first state of the ledger"

Key = tuple[str, str, Machine]


@dataclasses.dataclass(frozen=True, slots=True)
class Around:
    """The facts beside the ledger: its settings, the state of the reference, the commits that git knows, a web host."""

    rules: HistoryRules
    reference: State | None = None
    facts: Mapping[str, CommitFacts] = dataclasses.field(default_factory=dict)
    web_address: str | None = None
    folder: str = ""


def build(ledger: Ledger, around: Around) -> History:
    """Return the history of all benchmarks; those that grew most come first."""
    entries = [_named(entry, around.rules.current_name(entry.benchmark)) for entry in ledger.entries]
    known, order = States(entries), ordered_commits(entries)
    places = {commit: place for place, commit in enumerate(order)}
    by_course: dict[Key, list[Entry]] = {}
    for entry in entries:
        machine = _TOGETHER if around.rules.machines is Machines.TOGETHER else entry.machine
        by_course.setdefault((entry.benchmark, entry.metric, machine), []).append(entry)
    courses = [
        course
        for key, of_course in by_course.items()
        if (course := _Course(key, of_course, known, places, around).course()) is not None
    ]
    machines = sorted({entry.machine.label for entry in entries})
    return History(
        folder=around.folder,
        reference=around.reference.commit if around.reference else None,
        reference_name=around.rules.reference or "",
        allowed=around.rules.allow_percent / 100,
        courses=sorted(courses, key=lambda course: (-course.worsening[0], course.benchmark, course.metric)),
        newest=order[-1] if order else "",
        machines=machines,
        complaints=[
            *ledger.complaints,
            *_unused_names(around.rules, ledger.entries),
            *_several(machines, around.rules),
        ],
        web_address=around.web_address,
    )


def _named(entry: Entry, name: str) -> Entry:
    return entry if name == entry.benchmark else msgspec.structs.replace(entry, benchmark=name)


def _unused_names(rules: HistoryRules, entries: Iterable[Entry]) -> list[str]:
    names = {entry.benchmark for entry in entries}
    return [
        f"The settings rename '{one.old}', and the ledger has no such benchmark"
        for one in rules.renamed
        if one.old not in names
    ]


def _several(machines: Sequence[str], rules: HistoryRules) -> list[str]:
    if len(machines) < 2 or rules.machines is Machines.TOGETHER:
        return []
    said = (
        f"The ledger has effects from {len(machines)} machines, and each has its own course: {'; '.join(machines)}. For a fleet, "
        f'set machines = "{Machines.TOGETHER}" in [tool.harness.history]'
    )
    return [said]


class _Course:
    """One course while it is built."""

    def __init__(
        self, key: Key, entries: Sequence[Entry], known: States, places: Mapping[str, int], around: Around
    ) -> None:
        self._benchmark, self._metric, self._machine = key
        self._entries, self._known, self._around = entries, known, around
        self._into: dict[str, list[Entry]] = {}
        self._out: dict[str, list[Entry]] = {}
        self._times: dict[str, str] = {}
        for entry in entries:
            self._out.setdefault(entry.base.commit, []).append(entry)
            self._into.setdefault(entry.candidate.commit, []).append(entry)
            for state in (entry.base, entry.candidate):
                self._times[state.commit] = self._times.get(state.commit) or state.committed or ""
        self._commits = sorted(self._times, key=lambda commit: places[commit])
        self._worse = _WORSE.get(self._metric, 1)
        self._measured = [entry for entry in entries if entry.effect is not None]

    def course(self) -> Course | None:
        """Return the course; None where nothing was compared yet."""
        if not self._measured:
            return None
        wanted = self._around.reference
        start = self._known.find(wanted) if wanted else None
        of_course = {self._known.of_commit(commit) for commit in self._commits}
        if start is not None and start in of_course:
            return self._tied(start, is_reference=True)
        first = self._known.of_commit(self._first())
        if wanted is None:
            return self._tied(first, is_reference=False)
        is_young = any(entry.verdict == Verdict.NEW for entry in self._entries)
        return self._tied(first, is_reference=False, note=_YOUNG if is_young else _UNTIED, is_tied=is_young)

    def _first(self) -> str:
        measured = {state.commit for entry in self._measured for state in (entry.base, entry.candidate)}
        return next(commit for commit in self._commits if commit in measured)

    def _tied(self, start: int, *, is_reference: bool, note: str = "", is_tied: bool = True) -> Course:
        edges = self._edges()
        found = levels(edges, start, self._freedom())
        tied = [commit for commit in self._commits if self._known.of_commit(commit) in found]
        last = self._commits.index(tied[-1])
        anchored = self._anchored(start)
        points = [self._point(commit, found[self._known.of_commit(commit)], anchored) for commit in tied]
        steps, unseen, largest = self._steps()
        since = max((place for place, point in enumerate(points) if point.is_anchored), default=0)
        return Course(
            benchmark=self._benchmark, metric=self._metric, unit=self._measured[0].unit, kind=self._measured[0].kind,
            machine=self._machine.label if self._machine is not _TOGETHER else self._machine.cpu,
            margin=self._measured[-1].margin, worse=self._worse, since=tied[0], is_reference=is_reference, points=points,
            steps=steps, unseen_steps=unseen, largest_step=largest, since_anchor=len(points) - 1 - since,
            change_points=self._changes(points, start), notes=[note] if note else [],
            untied=self._commits[last + 1 :] if is_tied else self._commits[-1:],
        )  # fmt: skip

    def _edges(self) -> list[Edge[int]]:
        """Return the measured effects. The spread of each session is drawn towards the usual one of the course."""
        known = [entry for entry in self._measured if entry.kind is Evidence.PAIRED and entry.blocks > 1]
        usual = statistics.fmean(entry.spread**2 for entry in known) if known else 0.0
        return [
            Edge(
                self._known.of_commit(entry.base.commit), self._known.of_commit(entry.candidate.commit),
                entry.effect or 0.0, max(_error(entry, usual), _LEAST_ERROR),
            )
            for entry in self._measured
        ]  # fmt: skip

    def _freedom(self) -> float:
        """Return the degrees of freedom from which the spread of the course is known."""
        timed = [entry for entry in self._measured if entry.kind is Evidence.PAIRED]
        return sum(max(entry.blocks - 1, 0) for entry in timed) if timed else math.inf

    def _anchored(self, start: int) -> dict[str, Entry]:
        """Return the commits that were compared with the start directly, with the last such measurement."""
        return {
            entry.candidate.commit: entry
            for entry in self._measured
            if self._known.of_commit(entry.base.commit) == start
            and (entry.link is Link.ANCHOR or self._around.reference is not None)
        }

    def _point(self, commit: str, level: Level, anchored: Mapping[str, Entry]) -> Point:
        into, out = self._into.get(commit, []), self._out.get(commit, [])
        step = next((entry for entry in reversed(into) if entry.link is Link.STEP), None)
        value = next((entry.value for entry in reversed(into) if entry.value is not None), None)
        if value is None:
            value = next((entry.base_value for entry in out if entry.base_value is not None), None)
        facts = self._around.facts.get(commit)
        return Point(
            commit=commit,
            day=into[-1].day if into else out[0].day,
            committed=facts.committed if facts else self._times[commit],
            subject=facts.subject if facts else "",
            change=math.expm1(level.value), low=math.expm1(level.low), high=math.expm1(level.high),
            effect=math.expm1(step.effect) if step is not None and step.effect is not None else None,
            verdict=step.verdict if step else "",
            is_anchored=commit in anchored,
            value=value,
        )  # fmt: skip

    def _steps(self) -> tuple[int, int, float]:
        """Return the number of measured steps, of those for the worse that no gate reported, and the largest of those."""
        steps = [entry for entry in self._measured if entry.link is Link.STEP]
        unseen = [
            self._worse * (entry.effect or 0.0)
            for entry in steps
            if entry.verdict != Verdict.REGRESSED and self._worse * (entry.effect or 0.0) > 0
        ]
        return len(steps), len(unseen), math.expm1(max(unseen, default=0.0))

    def _changes(self, points: Sequence[Point], start: int) -> list[ChangePoint]:
        """Return the change points: of a count every change, of times those of the anchored levels."""
        if self._measured[0].kind is Evidence.EXACT:
            least = max(entry.margin or 0.0 for entry in self._measured) or 1e-9
            pairs = itertools.pairwise(points)
            return [
                ChangePoint(
                    after=before.commit,
                    commit=point.commit,
                    change=(1 + point.change) / (1 + before.change) - 1,
                )
                for before, point in pairs
                if abs(math.log((1 + point.change) / (1 + before.change))) > least
            ]
        anchored = self._anchored(start)
        series = [(point.commit, anchored[point.commit]) for point in points if point.commit in anchored]
        values = [entry.effect or 0.0 for _, entry in series]
        errors = [ERROR * entry.spread / math.sqrt(max(entry.blocks, 1)) for _, entry in series]
        found = change_points(values, statistics.median(errors) if errors else 0.0)
        ends = [0, *found, len(values)]
        middles = (
            [statistics.median(values[first:end]) for first, end in itertools.pairwise(ends)]
            if values
            else []
        )
        return [
            ChangePoint(
                after=series[place - 1][0], commit=series[place][0],
                change=math.expm1(middles[number + 1] - middles[number]),
            )
            for number, place in enumerate(found)
        ]  # fmt: skip


def _error(entry: Entry, usual: float) -> float:
    """Return the standard error of the effect of one session; `usual` is the usual variance of a block in its course."""
    if entry.kind is Evidence.EXACT:
        return entry.spread
    own = max(entry.blocks - 1, 0)
    variance = (_PRIOR_BLOCKS * usual + own * entry.spread**2) / (_PRIOR_BLOCKS + own)
    return ERROR * math.sqrt(variance / max(entry.blocks, 1))
