"""Turn comparisons into lines of the report: their texts, their plots, and their groups."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.judge.metrics import WALL
from harness.judge.verdict import Comparison, Kind, Site, Verdict
from harness.units import format_count, significant
from reports.session.dots import Bar, Changes, band, dot_plot, extent, finite, scale_of
from reports.session.model import WATCHED, Group, Line
from reports.session.words import difference_text, sides_text, value_text
from reports.shared.changes import change_text, interval_text, p_text, percent_text
from reports.shared.model import Cell, Row, Table
from reports.shared.words import plural

ACCEPTED = "accepted"
_TITLES = {
    "regressed": "Regressed",
    "invalid": "Invalid",
    "inconclusive": "Inconclusive",
    ACCEPTED: "Regressed, and accepted by the policy",
    "improved": "Improved",
    "ok": "No change beyond the margin",
    "new": "New: only the candidate has it",
    "removed": "Removed: only the base has it",
    WATCHED: "Only watched: no change shown",
}
_ALWAYS_OPEN = {"regressed", "invalid", "inconclusive", ACCEPTED, "improved"}
_FEW = 8
"""Number of lines shown even if they need no action."""
_MOST_SITES = 12


def word_of(comparison: Comparison) -> str:
    """Return the verdict as shown."""
    if comparison.says_nothing:
        return WATCHED
    is_accepted = comparison.accepted is not None and comparison.verdict is Verdict.REGRESSED
    return ACCEPTED if is_accepted and comparison.counts_as is Verdict.OK else str(comparison.verdict)


def size(comparison: Comparison) -> float:
    """Return the size of a change; one without a factor (from zero) is larger than all others."""
    if comparison.change is not None and not math.isnan(comparison.change):
        return abs(comparison.change)
    return math.inf if comparison.base is not None and comparison.base != comparison.candidate else -1.0


def groups(comparisons: Sequence[Comparison], calls: Mapping[str, int] | None = None) -> tuple[Group, ...]:
    """Return the lines by verdict, those that need action first, and the largest change first in each.

    `calls` are the calls that a process made, by benchmark.
    """
    bars = _bars(comparisons)
    found: dict[str, list[tuple[float, Line]]] = {word: [] for word in _TITLES}
    for number, comparison in enumerate(comparisons):
        made = (calls or {}).get(comparison.benchmark, 0) if comparison.metric == WALL.name else 0
        found[word_of(comparison)].append((size(comparison), _line(number, comparison, bars[number], made)))
    return tuple(
        Group(word, _TITLES[word], _sorted(lines), _is_open(word, len(lines)))
        for word, lines in found.items()
        if lines
    )


def _is_open(word: str, lines: int) -> bool:
    return word in _ALWAYS_OPEN or (word != WATCHED and lines <= _FEW)


def _sorted(lines: Iterable[tuple[float, Line]]) -> tuple[Line, ...]:
    return tuple(line for _, line in sorted(lines, key=lambda item: -item[0]))


def _line(number: int, comparison: Comparison, bar: Bar | None, calls: int) -> Line:
    return Line(
        key=f"comparison-{number}",
        benchmark=comparison.benchmark,
        metric=comparison.metric,
        verdict=comparison.verdict,
        word=word_of(comparison),
        values=sides_text(comparison),
        change=_change(comparison),
        interval=_interval(comparison),
        evidence=_evidence(comparison),
        points=tuple(_points(comparison)),
        limits=_limits(comparison),
        coverage=f"Each process made about {format_count(calls)} calls" if calls else "",
        bar=bar,
        plot=dot_plot(changes_of(comparison), f"Change in each block of {comparison.benchmark}"),
        sites=_sites(number, comparison),
    )


def changes_of(comparison: Comparison) -> Changes:
    """Return the data of a comparison's plot."""
    return Changes(
        comparison.changes, comparison.screened, comparison.low, comparison.high, comparison.change,
        comparison.margin, comparison.unit,
    )  # fmt: skip


def _change(comparison: Comparison) -> str:
    if comparison.kind is Kind.EXACT and comparison.base == 0 and comparison.candidate:
        return "from 0"
    return change_text(comparison.change, comparison.unit)


def _interval(comparison: Comparison) -> str:
    """Return the interval of the change, or of the share of calls that a limit bounds; a count has none."""
    if comparison.kind is Kind.EXACT and comparison.low is None and comparison.candidate is not None:
        return "exact"
    if comparison.kind is not Kind.LIMIT:
        return interval_text(comparison.low, comparison.high, comparison.unit)
    if comparison.low is None or comparison.high is None:
        return ""
    return f"{percent_text(comparison.low)} to {percent_text(comparison.high)}"


def _evidence(comparison: Comparison) -> str:
    if comparison.kind is Kind.EXACT:
        return "counted" if comparison.candidate is not None else ""
    if comparison.kind is Kind.LIMIT:
        return "certified from counts" if comparison.verdict is Verdict.OK else "judged from counts"
    if not comparison.blocks:
        return "no usable block" if comparison.verdict not in {Verdict.NEW, Verdict.REMOVED} else ""
    blocks = plural(comparison.blocks, "fresh block" if comparison.screened else "block")
    return blocks if comparison.p is None else f"{blocks}, {p_text(comparison.p)}"


def _points(comparison: Comparison) -> Iterator[str]:
    if comparison.accepted:
        yield f"Accepted: {comparison.accepted}"
    if comparison.verdict is Verdict.INCONCLUSIVE and comparison.blocks_needed is not None:
        yield f"About {plural(comparison.blocks_needed, 'block')} would decide it"
    if comparison.note:
        yield comparison.note
    if comparison.allowed:
        yield f"The policy allows {significant(comparison.allowed)} more per request"


def _limits(comparison: Comparison) -> str:
    margin, found = percent_text(comparison.margin), percent_text(comparison.detectable)
    if comparison.margin is None or comparison.kind is Kind.LIMIT:
        return ""
    power = "" if comparison.detectable is None else f"; minimum detectable effect {found} (80 % power)"
    return f"Margin {margin}{power}"


def _sites(number: int, comparison: Comparison) -> Table | None:
    """Return the functions whose share of a count differs, in the order of the judge."""
    changed = [site for site in comparison.sites if site.base != site.candidate]
    if not changed:
        return None
    hidden, same = len(changed[_MOST_SITES:]), len(comparison.sites) - len(changed)
    notes = (
        f"{plural(hidden, 'more function')} changed." if hidden else "",
        f"{plural(same, 'function')} did not change." if same else "",
    )
    return Table(
        f"sites-{number}",
        f"Where {comparison.metric} of {comparison.benchmark} changed",
        ("base", "candidate", "difference"),
        tuple(_site(site, comparison) for site in changed[:_MOST_SITES]),
        "Function",
        tuple(filter(None, notes)),
    )


def _site(site: Site, comparison: Comparison) -> Row:
    difference = site.candidate - site.base
    cells = (
        Cell(value_text(site.base, comparison), site.base),
        Cell(value_text(site.candidate, comparison), site.candidate),
        Cell(difference_text(difference, comparison), difference),
    )
    return Row(site.function, cells)


def _bars(comparisons: Sequence[Comparison]) -> list[Bar | None]:
    """Return the interval of each paired comparison on a common scale, so that a column can be compared."""
    paired = [one for one in comparisons if _has_bar(one)]
    ends = [end for one in paired for end in finite([one.low, one.high])]
    margins = finite(one.margin for one in paired)
    middle = sorted(map(abs, ends))[len(ends) // 2] if ends else 0.0
    scale = scale_of(ends, Changes((), margin=max(margins, default=middle)))
    return [
        Bar(
            scale.place(0.0),
            band(scale, one.margin) or (scale.place(0.0), 0.0),
            extent(scale, one.low, one.high) or (0.0, 0.0),
            scale.place(one.change or 0.0),
            not (scale.holds(one.low or 0.0) and scale.holds(one.high or 0.0)),
        )
        if _has_bar(one)
        else None
        for one in comparisons
    ]


def _has_bar(comparison: Comparison) -> bool:
    known = (comparison.low, comparison.high, comparison.change)
    return comparison.kind is Kind.PAIRED and comparison.unit != "share" and len(finite(known)) == 3
