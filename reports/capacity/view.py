"""Build the view of a search for capacity: the interval in one sentence, its limitations, every probe."""

import math
import shlex
from collections.abc import Iterator

from harness.capacity.document import CONFIDENCE, Answer, CapacityDocument, Ended, ProbeFacts, answer
from harness.capacity.estimate import Estimate
from harness.capacity.seen import Sight
from harness.errors import ExitCode
from harness.policy.thresholds import Level
from harness.units import (
    format_duration,
    format_ns,
    format_percent,
    format_rate,
    format_rate_in_full,
    in_full,
    lower_first,
)
from reports.capacity.model import CapacityView
from reports.charts.data import CapacityPlot, CapacityPoint, Chart
from reports.shared.model import Cell, NextCommand, Row, Status, Table, Tone
from reports.shared.words import plural

_TONES = {
    Sight.HELD: Tone.BETTER,
    Sight.BROKE: Tone.WORSE,
    Sight.OPEN: Tone.MISSING,
    Sight.INVALID: Tone.MISSING,
}
_METHOD = (
    "The capacity is where one curve through the counts of all probes crosses the limit. Its interval has 90 % confidence: "
    "it allows for calls that exceed the limit in clusters, and for probes that differ among themselves. A single rate holds "
    "or breaks only where its own counts show it with 95 % confidence, else it is not settled. An invalid probe says nothing "
    "of the target."
)
_EARLY_ENDS = {Ended.INTERRUPTED: "Interrupted", Ended.FAILED: "Ended by an error", None: "Cut off"}
_FRESH = "Each probe ran in a fresh process after its own warm-up: what a broken one leaves behind does not reach the next."


def build_capacity(document: CapacityDocument) -> CapacityView:
    """Return the view of any search, finished or not."""
    told = answer(document)
    return CapacityView(
        title=f"Capacity: {document.scenario} on {_subject(document)}",
        subtitle=f"{'; '.join(document.slos)} · {document.started_at[:16].replace('T', ' ')}",
        status=_status(told),
        sentence=_sentence(document, told),
        reasons=told.reasons,
        trust=(_METHOD, _FRESH),
        facts=tuple(_facts(document)),
        probes=_probes(document),
        limits=_limits(document),
        charts=_charts(document, told),
        next_command=_next(document, told),
    )


def _subject(document: CapacityDocument) -> str:
    return " · ".join(filter(None, (document.target, document.variant)))


def _status(told: Answer) -> Status:
    if told.found.held_per_s is None and _low(told) is None:
        return Status.BAD
    return Status.GOOD if told.level is Level.VALID else Status.CAUTION


def _low(told: Answer) -> float | None:
    return told.capacity.low_per_s if told.capacity else told.found.held_per_s


def _high(told: Answer) -> float | None:
    return told.capacity.high_per_s if told.capacity else told.found.broke_per_s


def _rate(value: float) -> str:
    """Return an estimated rate: three digits, since more would pretend a precision."""
    return format_rate_in_full(float(f"{value:.3g}"))


def _sentence(document: CapacityDocument, told: Answer) -> str:
    """Return the answer, after the note that the search did not finish, if so."""
    answer = _answer(document, told)
    if document.ended not in _EARLY_ENDS:
        return answer
    probes = plural(len(document.probes), "probe")
    return f"{_EARLY_ENDS[document.ended]} after {probes}: {lower_first(answer)}"


def _answer(document: CapacityDocument, told: Answer) -> str:
    slo, found, capacity = "; ".join(document.slos), told.found, told.capacity
    if capacity is not None and capacity.low_per_s is not None:
        return f"Capacity {_rate(capacity.per_s)}, {_interval(capacity)}: up to there {_subject(document)} keeps {slo}."
    if found.held_per_s is not None and found.broke_per_s is not None:
        return (
            f"Between {format_rate_in_full(found.held_per_s)} and {format_rate_in_full(found.broke_per_s)}: "
            f"{_subject(document)} keeps {slo} at the one and breaks it at the other."
        )
    if found.held_per_s is not None:
        return f"At least {format_rate_in_full(found.held_per_s)}: {_subject(document)} keeps {slo} there; no rate that breaks it was found."
    if told.code is ExitCode.LIMIT_BROKEN:
        return f"Below {format_rate_in_full(found.broke_per_s)}: {_subject(document)} breaks {slo} at the lowest rate that was tried."
    if capacity is not None:
        return f"No answer: the counts of the probes do not bound the capacity for {slo} from below."
    return f"No answer: no rate was certified to keep {slo}."


def _interval(capacity: Estimate) -> str:
    """Return the interval of a capacity with a lower end."""
    low = _rate(capacity.low_per_s or 0.0)
    if capacity.high_per_s is None:
        return f"at least {low} with {format_percent(CONFIDENCE)} confidence"
    return f"between {low} and {_rate(capacity.high_per_s)} with {format_percent(CONFIDENCE)} confidence"


def _facts(document: CapacityDocument) -> Iterator[tuple[str, str]]:
    yield "scenario", document.scenario
    yield "target", _subject(document)
    yield "arrivals", document.arrivals
    yield (
        "search",
        f"from {format_rate_in_full(document.start_per_s)}, down to {format_rate_in_full(document.lowest_per_s)}",
    )
    yield "narrow enough", format_percent(document.tolerance)
    yield "warm-up of each probe", format_duration(document.warmup_s)
    yield "budget", format_duration(document.budget_s)
    yield "ended", str(document.ended or "cut off")
    yield "calls planned", f"{sum(probe.planned for probe in document.probes):,}"
    yield "seed", str(document.seed)


def _probes(document: CapacityDocument) -> Table:
    rows = tuple(_probe_row(number, probe) for number, probe in enumerate(document.probes, 1))
    columns = ("rate", "for", "answered", "p50", "p99", "SLO", "run")
    notes = tuple(
        f"{number}: {reason}" for number, probe in enumerate(document.probes, 1) for reason in probe.reasons
    )
    return Table("probes", plural(len(rows), "probe", "probes"), columns, rows, "", notes, numeric=True)


def _probe_row(number: int, probe: ProbeFacts) -> Row:
    # As in any report: times of an invalid run are withheld.
    is_invalid = probe.validity is Level.INVALID
    times = [
        Cell("withheld" if is_invalid else format_ns(value), None if is_invalid else value)
        for value in (probe.p50_ns, probe.p99_ns)
    ]
    cells = (
        Cell(format_rate_in_full(probe.rate_per_s), probe.rate_per_s),
        Cell(format_duration(probe.duration_s), probe.duration_s),
        Cell(format_rate(probe.answered_per_s), probe.answered_per_s),
        *times,
        Cell(str(probe.sight), tone=_TONES[probe.sight]),
        Cell(str(probe.validity)),
    )
    return Row(f"{number}{' again' if probe.confirms else ''}", cells)


def _limits(document: CapacityDocument) -> Table:
    rows = tuple(
        Row(
            f"{number}, {format_rate_in_full(probe.rate_per_s)}",
            (Cell(limit.what), Cell(limit.sentence)),
            hint=probe.folder,
        )
        for number, probe in enumerate(document.probes, 1)
        for limit in probe.limits
    )
    return Table("limits", "What every limit came to", ("limit", "counts"), rows, "Probe", numeric=False)


def _charts(document: CapacityDocument, told: Answer) -> tuple[Chart, ...]:
    metric = document.metric
    points = tuple(
        CapacityPoint(probe.rate_per_s, probe.metric, str(probe.sight))
        for probe in document.probes
        if probe.metric is not None and probe.validity is not Level.INVALID
    )
    if not points:
        return ()
    plot = CapacityPlot(points, metric.name, metric.unit, metric.limit, _low(told), _high(told))
    what = "Response time" if metric.unit == "ns" else "Share of calls that did not complete"
    caption = (
        f"One mark for each probe: a dot where the SLO held, a cross where it broke, hollow where it was not settled. The "
        f"{metric.name} is over calls that returned; invalid probes are left out."
        if metric.unit == "ns"
        else "One mark for each probe: a dot where the SLO held, a cross where it broke, hollow where it was not settled."
    )
    name = f" ({metric.name})" if metric.unit == "ns" else ""
    return (Chart("capacity", f"{what}{name} by rate", caption, plot),)


def _next(document: CapacityDocument, told: Answer) -> NextCommand:
    words = ["--target", document.target, *(["--variant", document.variant] if document.variant else [])]
    words += document.shape
    limits = [word for text in document.slos for word in ("--slo", text)]
    search = ["harness", "capacity", document.scenario, *words, *limits]
    if document.ended is Ended.INTERRUPTED:
        whole = [*search, "--budget", format_duration(document.budget_s)]
        return NextCommand(shlex.join(whole), "search to the end")
    if document.ended is Ended.FAILED:
        return NextCommand("harness doctor", "see what this machine can measure, and what disturbs it")
    low = _low(told)
    if low is None and told.code is not ExitCode.LIMIT_BROKEN:
        if document.ended is Ended.BUDGET or any(probe.sight is Sight.OPEN for probe in document.probes):
            longest_s = max((probe.duration_s for probe in document.probes), default=0.0)
            longer = (
                [*search, "--duration", format_duration(math.ceil(2 * longest_s))]
                if told.capacity
                else search
            )
            longer = [*longer, "--budget", format_duration(2 * document.budget_s)]
            return NextCommand(
                shlex.join(longer), "search with more time, so that more calls can certify the limits"
            )
        return NextCommand("harness doctor", "see what this machine can measure, and what disturbs it")
    if low is None:
        lower = [*search, "--rate", in_full(document.lowest_per_s / 8)]
        return NextCommand(shlex.join(lower), "search from a lower rate")
    run = [
        "harness",
        "run",
        document.scenario,
        *words,
        "--rate",
        in_full(float(f"{low:.4g}")),
        "--profile",
        "cpu,memory",
    ]
    return NextCommand(shlex.join(run), "see which functions the time goes to at the highest rate that holds")
