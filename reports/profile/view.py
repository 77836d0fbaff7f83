"""Build the view of profile-only runs: all decisions on the content of the report."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote_plus

import msgspec

from harness.profiles.difference.finding import STRICT, Finding
from harness.profiles.difference.frames import SAMPLED
from harness.profiling.compared import Tested
from harness.profiling.cost import are_few, sampling_cost
from harness.profiling.document import (
    MOMENTS,
    ProfileDocument,
    ProfiledSide,
    are_interleaved,
    kinds_and_names,
    operations,
    together,
)
from harness.redaction.redact import redact, redact_text
from harness.redaction.visible import typed
from harness.run.documents import MemoryProfile
from harness.units import format_count, format_duration, format_percent, format_rate
from reports.flame.model import FlameView
from reports.flame.view import flame_view
from reports.profile.model import ProfileReport
from reports.profile.tables import TITLES, changed_table, counts_table
from reports.shared.child_processes import children_words
from reports.shared.facts import fact_text, flat
from reports.shared.model import Cell, NextCommand, Row, Status, Table
from reports.shared.profilers import elsewhere_words, overhead_words
from reports.shared.words import listed


def build(sides: Sequence[ProfiledSide], found: Sequence[Tested]) -> ProfileReport:
    """Return the view of one side, or of two with the findings of `tested`."""
    labels = _labels(sides)
    first = sides[0].document
    return ProfileReport(
        title=f"{first.scenario}: profiles of {' against '.join(reversed(labels))}",
        subtitle=_subtitle(sides),
        status=_status(sides, found),
        sentence=_sentence(sides, found, labels),
        points=tuple(_points(sides, labels)),
        changed=changed_table(found, labels),
        counts=counts_table(found),
        graphs=tuple(_graphs(sides, found, labels)),
        facts=_facts(sides, labels),
        environment=_environment(sides[0]),
        files=tuple(_files(sides)),
        next_command=_next(sides, found),
    )


def _labels(sides: Sequence[ProfiledSide]) -> list[str]:
    labels = [redact_text(side.label) for side in sides]
    return (
        labels if len(set(labels)) == len(labels) else [f"{label} #{n}" for n, label in enumerate(labels, 1)]
    )


def _subtitle(sides: Sequence[ProfiledSide]) -> str:
    document = sides[-1].document
    plan = document.plan
    pace = format_rate(plan.rate_per_s) if plan.executor == "open" else f"{plan.users} users"
    rounds = " and ".join(dict.fromkeys(format_count(len(side.document.rounds)) for side in sides))
    return (
        f"Target {redact_text(document.target)} · {document.started_at[:16].replace('T', ' ')} · {pace} for"
        f" {format_duration(plan.duration_s)} · rounds: {rounds} · nothing here is a time of an undisturbed run"
    )


def _status(sides: Sequence[ProfiledSide], found: Sequence[Tested]) -> Status:
    if any(side.missing for side in sides):
        return Status.BAD
    is_whole = not any(_before(side) for side in sides)
    return (
        Status.GOOD
        if is_whole and len(sides) > 1 and not any(part.told for part in found)
        else Status.CAUTION
    )


def _sentence(sides: Sequence[ProfiledSide], found: Sequence[Tested], labels: Sequence[str]) -> str:
    """Return the answer, after the reasons why it does not cover the whole plan."""
    pairs = zip(sides, labels, strict=True)
    before = [f"{label} {' and '.join(words)}. " for side, label in pairs if (words := _before(side))]
    return f"{''.join(before)}{_answer(sides, found, labels)}"


def _before(side: ProfiledSide) -> list[str]:
    """Return the troubles of a side, named before its findings: interruption, failed calls."""
    document = side.document
    words = []
    if document.interrupted:
        words.append(f"was interrupted after {len(document.rounds)} of {document.rounds_planned} rounds")
    if failed := sum(_failed(side, kind) for kind in document.kinds):
        words.append(f"had {format_count(failed)} calls that failed")
    return words


def _failed(side: ProfiledSide, kind: str) -> int:
    return sum(one.facts.failed or 0 for one in side.facts(kind) if isinstance(one, MemoryProfile))


def _answer(sides: Sequence[ProfiledSide], found: Sequence[Tested], labels: Sequence[str]) -> str:
    if len(sides) == 1:
        kinds = listed([f"{len(sides[0].facts(kind))} {kind}" for kind in sides[0].document.kinds])
        requests = format_count(sum(operations(sides).values()))
        return f"{labels[0]} was profiled: {kinds} profiles over {requests} requests."
    if not found:
        return "Nothing can be compared: no profile exists of both sides."
    told = [f"{format_count(len(part.told))} by {TITLES[part.name]}" for part in found if part.told]
    word = (
        "changed"
        if any(row.own.finding is Finding.CHANGED for part in found for row in part.told)
        else "differ"
    )
    if told:
        return f"Functions that {word} from {labels[0]} to {labels[1]}: {listed(told)}."
    return f"No function changed beyond the detection limit between {labels[0]} and {labels[1]}."


def _points(sides: Sequence[ProfiledSide], labels: Sequence[str]) -> Iterator[str]:
    for side, label in zip(sides, labels, strict=True):
        document = side.document
        yield from (f"{label}: {redact_text(reason)}" for reason in (*side.missing, *document.trouble))
        yield from _failures(side, label)
        yield from _lost(side, label)
        yield from _elsewhere(side, label)
        yield from _children(side, label)
    if len(sides) == 2:
        yield _how_told(sides)
    for side, label in zip(sides, labels, strict=True):
        yield from _sampling(side, label)


def _failures(side: ProfiledSide, label: str) -> Iterator[str]:
    for kind in side.document.kinds:
        if failed := _failed(side, kind):
            requests = sum(sum(facts.requests.values()) for facts in side.facts(kind))
            yield f"{label}: {format_percent(failed / max(requests, 1))} of the {kind} profiles' calls failed."


def _lost(side: ProfiledSide, label: str) -> Iterator[str]:
    """Yield a note on each kind of profile that some rounds lack: its evidence is the other rounds."""
    for kind in side.document.kinds:
        every = side.facts(kind)
        lost = [facts for facts in every if facts.file is None]
        if lost and len(lost) < len(every):
            reason = redact_text(lost[0].reason or "")
            yield f"{label}: {len(lost)} of {len(every)} rounds have no {kind} profile. {reason}"


def _elsewhere(side: ProfiledSide, label: str) -> Iterator[str]:
    for one in side.facts("memory"):
        if isinstance(one, MemoryProfile) and (
            words := elsewhere_words(one.facts, side.document.environment)
        ):
            yield f"{label}: {words}."
            return


def _children(side: ProfiledSide, label: str) -> Iterator[str]:
    for kind in side.document.kinds:
        made = [one for one in side.facts(kind) if one.file]
        sentences = children_words([one.facts for one in made])
        yield from (f"{label}: {words}." for words in sentences)
        yield from sorted({f"{label}: {redact_text(one.reason)}." for one in made if one.reason})


def _how_told(sides: Sequence[ProfiledSide]) -> str:
    if not are_interleaved(sides):
        return (
            "These sides were profiled one after the other, and the machine may have changed between them: nothing is called"
            " changed. Profile both in one command to tell."
        )
    rounds = min(len(side.document.rounds) for side in sides)
    if rounds < STRICT.least_runs:
        return (
            f"{rounds} rounds a side are too few to call a function changed: it takes {STRICT.least_runs - rounds}"
            f" more. Profile again with --rounds {STRICT.least_runs}."
        )
    return (
        f"{rounds} rounds a side, each a process of its own, in turns and in random order. A function is called changed"
        f" where its rounds differ by at least {100 * STRICT.least_effect:.0f} % and by more than those of one side differ among"
        f" themselves; of what is named, at most {100 * STRICT.false_discovery:.0f} % is expected to be wrong."
    )


def _sampling(side: ProfiledSide, label: str) -> Iterator[str]:
    facts = side.of_cpu
    if not facts:
        return
    idle, torn = sum(one.idle or 0 for one in facts), sum(one.torn or 0 for one in facts)
    busy = sum((one.samples or 0) - (one.child_samples or 0) for one in facts) - idle
    waited = f", {format_count(idle)} more of threads that only waited" if idle else ""
    dropped = f", {format_count(torn)} torn ones dropped" if torn else ", none torn"
    few = "; too few to tell much, profile for longer" if are_few(busy) else ""
    yield f"{label}: {format_count(busy)} CPU samples{waited}{dropped}{few}."
    if words := overhead_words(sampling_cost(facts)):
        yield f"{label}: {words}."


def _graphs(
    sides: Sequence[ProfiledSide], found: Sequence[Tested], labels: Sequence[str]
) -> Iterator[FlameView]:
    by_name = {part.name: part for part in found}
    for kind, name in kinds_and_names(sides[0].document.kinds):
        part = by_name.get(name)
        rounds = part.rounds if part else tuple(side.rounds(kind, name) for side in sides)
        shown = [(label, together(runs)) for label, runs in zip(labels, rounds, strict=True) if runs]
        if not shown or not any(run.profile.total for _, run in shown):
            continue
        unit = shown[0][1].profile.unit
        yield flame_view(
            TITLES[name],
            unit,
            [
                (label, run.profile, {key: round(count) for key, count in run.requests.items()})
                for label, run in shown
            ],
            per_request=name not in MOMENTS,
            ns_per_sample=[run.per_weight for _, run in shown] if unit == SAMPLED else (),
            rounds=part.rounds if part else (),
        )


def _facts(sides: Sequence[ProfiledSide], labels: Sequence[str]) -> Table:
    """Return the facts that profilers report of their own work, round by round."""
    rows = []
    for kind in sides[0].document.kinds:
        every = [[msgspec.to_builtins(one.facts) for one in side.facts(kind)] for side in sides]
        names = dict.fromkeys(name for facts in every for one in facts for name in one)
        rows += [
            Row(name.replace("_", " "), tuple(_by_round(facts, name) for facts in every), group=kind)
            for name in names
        ]
    return Table(
        "facts", "What the profilers did, round by round", tuple(labels), tuple(rows), "Fact", numeric=False
    )


def _by_round(facts: Sequence[Mapping[str, object]], name: str) -> Cell:
    texts = [fact_text(name, one[name]) for one in facts if one.get(name) is not None]
    return Cell(texts[0] if len(set(texts)) == 1 else " · ".join(texts) or "–")


def _environment(side: ProfiledSide) -> Table:
    document = side.document
    facts = {
        "command": redact_text(document.command),
        "seed": str(document.seed),
        **flat(redact(document.environment)),
    }
    rows = tuple(Row(name, (Cell(text),)) for name, text in facts.items())
    return Table("environment", "Command and machine", ("",), rows, "Fact", numeric=False)


def _files(sides: Sequence[ProfiledSide]) -> Iterator[str]:
    for side in sides:
        for kind, name in kinds_and_names(side.document.kinds):
            path = side.directory.path / kind / f"{name}.folded"
            if path.exists():
                yield f"{side.directory.path.name}/{kind}/{name}.folded"


def _next(sides: Sequence[ProfiledSide], found: Sequence[Tested]) -> NextCommand:
    document = sides[-1].document
    specs = [redact_text(_spec(side)) for side in sides]
    if any(side.document.interrupted for side in sides):
        return NextCommand(redact_text(document.command), "profile every round that was planned")
    for side, spec in zip(sides, specs, strict=True):
        if any(_failed(side, kind) for kind in side.document.kinds):
            command = shlex.join(["harness", "run", side.document.scenario, "--target", spec])
            return NextCommand(command, "see which calls fail, and why")
    if any(side.missing for side in sides):
        return NextCommand("harness doctor", "see what this machine can profile")
    if len(sides) == 1:
        words = ["harness", "run", document.scenario, "--target", *specs]
        return NextCommand(shlex.join(words), "see the times of the calls without a profiler")
    if any(part.told for part in found):
        words = ["harness", "compare", *(f"target:{spec}" for spec in specs)]
        command = shlex.join(words) if specs[0] != specs[1] else "harness gate"
        return NextCommand(command, "learn whether calls take longer, to a verdict")
    rounds = 2 * max(document.rounds_planned, STRICT.least_runs)
    return NextCommand(
        _with_rounds(document, rounds),
        "profile more rounds, to detect smaller changes",
    )


def _with_rounds(document: ProfileDocument, rounds: int) -> str:
    """Return the typed command with another number of rounds; word by word, for a stored command is text of others."""
    try:
        words = shlex.split(re.sub(r" --rounds[ =]\d+", "", redact_text(document.command)))
    except ValueError:
        words = []
    if words[:2] != ["harness", "profile"]:
        words = ["harness", "profile", document.scenario, "--target", redact_text(document.target)]
    return typed(*words, "--rounds", str(rounds))


def _spec(side: ProfiledSide) -> str:
    """Return the target of a side with its variant, as one SPEC."""
    target, variant = side.document.target, side.document.variant
    if not variant or "variant=" in target:
        return target
    return f"{target}{'&' if '?' in target else '?'}variant={quote_plus(variant)}"
