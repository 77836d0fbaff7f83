"""Build the view of a history: the answer, the courses that grew most first, and how far they can be trusted."""

import shlex
from collections.abc import Iterator, Sequence

from harness.history.document import Course, History, Point, Standing, standing
from harness.history.entry import Evidence
from harness.units import significant
from reports.history.model import Commit, CourseView, HistoryView, Link
from reports.history.plots import address_of, plot_of
from reports.history.sparks import sparkline
from reports.shared.changes import change_text, interval_text, percent_text
from reports.shared.model import Cell, NextCommand, Row, Status, Table, Tone
from reports.shared.visible import short
from reports.shared.words import plural

MOST_CHARTS = 60
_MOST_ROWS = 40
_SHORT = 12
_LONGEST_NAME = 60
_WORDS = {
    Standing.GREW: "grew",
    Standing.WITHIN: "within",
    Standing.OPEN: "open",
    Standing.UNTIED: "not tied",
}
_TONES = {
    Standing.GREW: Tone.WORSE,
    Standing.WITHIN: Tone.BETTER,
    Standing.OPEN: Tone.SIMILAR,
    Standing.UNTIED: Tone.MISSING,
}
_METHOD = (
    "Each step is the paired effect of one session, in which both commits were measured side by side; no time of one session "
    "is compared with that of another. Steps add up, and so do their variances: the interval (95 %) widens with each step, and "
    "a measurement against the reference (an anchor) narrows it."
)
_CHANGE_POINTS = (
    "Change points of times are looked for among states that were measured against the start directly, at least ten of "
    "them: chained levels wander by themselves. An exact count has one wherever it changed."
)


def build(history: History, due: str = "") -> HistoryView:
    """Return the view; `due` is why an anchor is due, as a sentence with its command."""
    courses = history.courses
    found = [standing(course, history.allowed) for course in courses]
    return HistoryView(
        title=f"History of {history.folder}" if history.folder else "History",
        subtitle=_subtitle(history),
        sentence=_sentence(history, found),
        status=_status(found),
        reasons=(*history.complaints, *([due] if due else [])),
        table=_table(history, found),
        courses=tuple(
            _course(f"course-{number}", course, found[number], history)
            for number, course in enumerate(courses[:MOST_CHARTS])
        ),
        hidden=max(0, len(courses) - MOST_CHARTS),
        trust=(_METHOD, _CHANGE_POINTS),
        next_command=_next(history, found, due),
    )


def _subtitle(history: History) -> str:
    if not history.courses:
        return ""
    named = history.reference_name if history.reference else ""
    since = (
        f"since {named or history.reference[:_SHORT]}"
        if history.reference
        else "since the first state of each course"
    )
    newest = f"up to {history.newest[:_SHORT]}" if history.newest else ""
    return ", ".join(
        filter(None, (plural(len(history.courses), "course"), since, newest, *history.machines[:3]))
    )


def _status(found: Sequence[Standing]) -> Status:
    if Standing.GREW in found or not found:
        return Status.BAD
    return Status.CAUTION if Standing.UNTIED in found else Status.GOOD


def _sentence(history: History, found: Sequence[Standing]) -> str:
    allowed = percent_text(history.allowed)
    grown = [course for course, one in zip(history.courses, found, strict=True) if one is Standing.GREW]
    if grown:
        more = f", and so did {plural(len(grown) - 1, 'other course')}" if grown[1:] else ""
        return f"{_grew(grown[0], history)}, more than the allowed {allowed}{more}."
    if not found:
        return "The ledger holds no effect: nothing was compared yet."
    untied = found.count(Standing.UNTIED)
    untold = (
        f"; of {plural(untied, 'course')} nothing can be said: they are not tied to the reference"
        if untied
        else ""
    )
    known = [course for course, one in zip(history.courses, found, strict=True) if one is not Standing.UNTIED]
    if not known:
        return f"Nothing can be said: no course is tied to {history.reference_name or 'its start'}."
    return f"No course grew for certain by more than the allowed {allowed}; the largest change: {_grew(known[0], history)}{untold}."


def _grew(course: Course, history: History) -> str:
    change, low, high = course.worsening
    since = (
        history.reference_name if course.is_reference and history.reference_name else course.since[:_SHORT]
    )
    less = course.worse < 0
    verb = ("lost" if less else "grew") if change >= 0 else ("gained" if less else "shrank")
    how = f" ({interval_text(low, high)})" if course.kind is Evidence.PAIRED else ""
    return f"{short(course.benchmark, _LONGEST_NAME)} {course.metric} {verb} by {percent_text(abs(change))}{how} since {since}"


def _table(history: History, found: Sequence[Standing]) -> Table:
    columns = ("metric", "change", "interval", "steps", "unreported", "states since anchor", "standing")
    machines = {course.machine for course in history.courses}
    rows = [
        Row(
            course.benchmark,
            (
                Cell(course.metric),
                Cell(change_text(course.last.change), course.last.change),
                Cell(_interval(course)),
                Cell(str(course.steps), course.steps),
                Cell(str(course.unseen_steps), course.unseen_steps),
                Cell(
                    str(course.since_anchor) if course.kind is Evidence.PAIRED else "–", course.since_anchor
                ),
                Cell(_WORDS[one], tone=_TONES[one]),
            ),
            hint=course.machine if len(machines) > 1 else "",
        )
        for course, one in zip(history.courses, found, strict=True)
    ]
    return Table(
        "courses",
        "All courses, those that grew most first",
        columns,
        tuple(rows),
        "Benchmark",
        prose=("metric",),
    )


def _interval(course: Course) -> str:
    return "counted" if course.kind is Evidence.EXACT else interval_text(course.last.low, course.last.high)


def _course(key: str, course: Course, found: Standing, history: History) -> CourseView:
    shown = course.points[-_MOST_ROWS:]
    return CourseView(
        key=key,
        benchmark=course.benchmark,
        metric=course.metric,
        machine=course.machine if len(history.machines) > 1 else "",
        word=_WORDS[found],
        growth=change_text(course.last.change),
        interval=_interval(course),
        spark=sparkline([point.change for point in course.points]),
        points=tuple(_points(course, history)),
        plot=plot_of(course, history.allowed, history.web_address),
        commits=tuple(_commit(point, course, history.web_address) for point in reversed(shown)),
        hidden=len(course.points) - len(shown),
    )


def _points(course: Course, history: History) -> Iterator[str]:
    if course.unseen_steps > 1:
        yield (
            f"{course.unseen_steps} steps for the worse that no gate reported, the largest {change_text(course.largest_step)}"
        )
    for change in course.change_points[:5]:
        after, commit = change.after[:_SHORT], change.commit[:_SHORT]
        yield f"changed by {change_text(change.change)} between {after} and {commit}"
    if len(course.change_points) > 5:
        yield f"{len(course.change_points) - 5} more changes stand in the table"
    if course.untied:
        yield (
            f"{plural(len(course.untied), 'state')} up to {course.untied[-1][:_SHORT]} are not tied to the start: "
            "a measurement between is missing, or was made on another machine"
        )
    yield from course.notes
    if history.newest and history.newest not in {course.last.commit, *course.untied}:
        yield f"not measured after {course.last.commit[:_SHORT]}"


def _commit(point: Point, course: Course, web_address: str | None) -> Commit:
    return Commit(
        name=Link(point.commit[:_SHORT], address_of(point.commit, web_address)),
        day=(point.committed or point.day)[:10],
        subject=short(point.subject, _LONGEST_NAME),
        step=change_text(point.effect) or "–",
        verdict=point.verdict,
        growth=change_text(point.change),
        interval="" if course.kind is Evidence.EXACT else interval_text(point.low, point.high),
        value=_value(point.value, course) if course.kind is Evidence.EXACT else "",
        tone={"regressed": "worse", "improved": "better"}.get(point.verdict, ""),
    )


def _value(value: float | None, course: Course) -> str:
    return "–" if value is None else f"{significant(value)} {course.unit}"


def _next(history: History, found: Sequence[Standing], due: str) -> NextCommand:
    if due:
        return NextCommand(due.rpartition("with: ")[2], "tie the chain to its reference")
    for course, one in zip(history.courses, found, strict=True):
        if one is Standing.GREW:
            command = [
                "harness",
                "bisect",
                course.since[:_SHORT],
                course.last.commit[:_SHORT],
                "--benchmark",
                course.benchmark,
            ]
            suite = (
                []
                if course.kind is Evidence.PAIRED
                else ["--suite", "instructions" if course.metric == "instructions" else "exact"]
            )
            metric = [] if course.metric in {"wall", "instructions"} else ["--metric", course.metric]
            return NextCommand(shlex.join([*command, *suite, *metric]), "find the commit that did it")
    return NextCommand("harness history check", "fail where a benchmark grew by more than allowed, in CI")
