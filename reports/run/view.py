"""Build the view of a report of runs: all decisions on its content. Renderers only lay it out."""

import dataclasses
from collections.abc import Sequence

from harness.errors import UsageError
from harness.reading.children import children_sentence
from harness.reading.comparing import uncomparable
from harness.reading.judging import JudgedRun
from harness.reading.server_use import server_use
from harness.units import format_bytes, format_count, format_duration, format_ns, format_rate
from reports.run.attribution import attributions
from reports.run.backends import backends_table, counters_table
from reports.run.comparison import changes, comparison
from reports.run.engine import engine_facts
from reports.run.environment import cost, differences_table, environment_table, overhead_table, raw_files
from reports.run.failures import commonest_failures, failures_table
from reports.run.growth import growth_lines, growth_table
from reports.run.heads import heads
from reports.run.heldby import held_by_table
from reports.run.journeys import journeys_sentence, journeys_table
from reports.run.locustfile import locust_facts
from reports.run.lost import lost_table
from reports.run.model import ReportView, RunCard
from reports.run.operations import operation_views, operations_table, stages_table
from reports.run.plots.build import charts
from reports.run.profiles import profile_facts, profile_views
from reports.run.server import server_table
from reports.run.sides import Side, sides_of
from reports.run.timesplit import slowest_table, split_table, why_changed
from reports.run.verdict import next_command, verdict
from reports.run.workers import workers_table
from reports.shared.layout import single_run
from reports.shared.model import Table
from reports.shared.words import listed

_COMMONEST_FAILURES = 3
_TILES = ("Response p50", "Response p99", "Throughput", "Errors")


def build(runs: Sequence[JudgedRun]) -> ReportView:
    """Return the view of one or more runs; later runs are compared with the first.

    Profiles are read from the runs' directories. Raises `UsageError` without a run.
    """
    if not runs:
        raise UsageError("There is no run to report", remedy="Name at least one run directory")
    sides = sides_of(runs)
    is_comparable = not uncomparable([side.run for side in sides])
    fold = single_run if len(sides) == 1 else _unchanged
    compared = comparison(sides, ratios=is_comparable)
    profiles, profile_notes = profile_views(sides)
    changed = changes(sides) if len(sides) > 1 and is_comparable else None
    return ReportView(
        title=_title(sides),
        subtitle=_subtitle(sides),
        verdict=verdict(sides),
        tiles=tuple(row for row in compared.rows if row.label in _TILES),
        comparison=compared,
        lost=lost_table(sides),
        runs=tuple(_card(side) for side in sides),
        changes=changed,
        change_notes=_change_notes(sides, changed),
        attributions=attributions(sides, profiles) if is_comparable else (),
        operations_table=fold(operations_table(sides)),
        operations=tuple(
            dataclasses.replace(operation, table=fold(operation.table))
            for operation in operation_views(sides)
        ),
        split=fold(split_table(sides)),
        failures=failures_table(sides),
        journeys=journeys_table(sides),
        held_by=tuple(held_by_table(side, f"held-by-{number}") for number, side in enumerate(sides)),
        stages=fold(stages_table(sides)),
        workers=workers_table(sides),
        slowest=tuple(slowest_table(side, f"slowest-{number}") for number, side in enumerate(sides)),
        charts=charts(sides),
        chart_notes=_chart_notes(sides),
        heads=heads(sides, ratios=is_comparable),
        growth=growth_table(sides),
        counters=counters_table(sides),
        backends=fold(backends_table(sides)),
        server=server_table(sides),
        profiles=profiles,
        profile_facts=profile_facts(sides),
        profile_notes=profile_notes,
        overhead=overhead_table(sides),
        environment=environment_table(sides),
        differences=differences_table(sides),
        files=raw_files(sides),
        next_command=next_command(sides),
    )


def _unchanged(table: Table) -> Table:
    return table


def _title(sides: Sequence[Side]) -> str:
    scenarios = list(dict.fromkeys(side.run.document.scenario for side in sides))
    labels = [side.label for side in sides]
    what = labels[0] if len(labels) == 1 else f"{', '.join(labels[1:])} against {labels[0]}"
    return f"{' and '.join(scenarios)}: {what}"


def _subtitle(sides: Sequence[Side]) -> str:
    document = sides[0].run.document
    targets = ", ".join(dict.fromkeys(side.run.document.target for side in sides))
    return f"Target {targets} · {document.started_at[:16].replace('T', ' ')} · {_load(sides[0])}"


def _load(side: Side) -> str:
    plan = side.run.document.plan
    stages = sum(1 for span in plan.spans if not span.warmup)
    rate = format_rate(plan.rate_per_s) if plan.executor == "open" else f"{plan.users} users"
    if journeys_sentence(side) and plan.executor == "open":
        rate += " users arriving"
    if stages > 1 and plan.executor == "open":
        rate += f" as the base of {stages} stages"
    return f"{rate} for {format_duration(plan.duration_s)}"


def _card(side: Side) -> RunCard:
    document, validity = side.run.document, side.judged.validity
    return RunCard(
        label=side.label,
        level=str(validity.level),
        reasons=validity.reasons,
        headline=_headline(side),
        facts=(
            ("scenario", document.scenario),
            ("target", document.target),
            ("variant", document.variant or "none"),
            ("load", _load(side)),
            ("measured", format_duration(round(side.run.measured_s, 3))),
            ("seed", str(document.seed)),
            ("measuring", cost(side)),
            *engine_facts(side),
            ("warm-up", side.judged.warmup.sentence),
            *_of_answers(side),
            *locust_facts(side),
            *_served(side),
            *_children(side),
            *_journeys(side),
            *_found(side),
        ),
        outcomes=tuple((name.replace("_", " "), count) for name, count in side.run.total.outcomes.items()),
        planned=side.run.planned,
        failures=tuple(commonest_failures(side, _COMMONEST_FAILURES)),
        directory=side.run.directory.path.name,
        withheld=side.withheld,
        growth=growth_lines(side.judged.growth),
        growing=len(side.judged.growth.growing),
    )


def _of_answers(side: Side) -> tuple[tuple[str, str], ...]:
    """Return the facts on requests, judged answers, changed events and a replaced clock, where there are any."""
    facts, remarks = side.run.facts, side.run.document.remarks
    if facts is None:
        return ()
    changed = f"{facts.events_changed:,} calls changed theirs; each call got its event as it was made"
    said = (
        ("requests", "; ".join(remarks)),
        ("answers", facts.judged_by),
        ("events", changed if facts.events_changed else ""),
        ("clock", "" if facts.replaced_time_s == 0 else _replaced(facts.replaced_time_s)),
    )
    return tuple((name, words) for name, words in said if words)


def _replaced(apart_s: float | None) -> str:
    by = (
        "it can no longer be called"
        if apart_s is None
        else f"it is {format_duration(round(abs(apart_s), 1))} {'ahead' if apart_s > 0 else 'behind'}"
    )
    return f"the target replaced time.time in its process ({by}); the stamps and the check of the wall clock do not use it"


def _children(side: Side) -> tuple[tuple[str, str], ...]:
    sentence = children_sentence(side.run)
    return (("child processes", sentence),) if sentence else ()


def _served(side: Side) -> tuple[tuple[str, str], ...]:
    served, use = side.run.document.served, server_use(side.run)
    if served is None:
        return ()
    cost = f"{format_ns(use.cpu_ns_per_call)} of CPU a request" if use and use.cpu_ns_per_call else ""
    memory = f"memory {format_bytes(use.rss_bytes.first)} → {format_bytes(use.rss_bytes.last)}" if use else ""
    grown = (("memory growth", use.growth),) if use and use.growth else ()
    return (("server under test", ", ".join(filter(None, [served.command, cost, memory]))), *grown)


def _journeys(side: Side) -> tuple[tuple[str, str], ...]:
    sentence = journeys_sentence(side)
    return (("journeys", sentence),) if sentence else ()


def _found(side: Side) -> tuple[tuple[str, str], ...]:
    """Return the facts on a replayed trace, or the search for users."""
    plan = side.run.document.plan
    if plan.replayed:
        return (("replayed", plan.replayed),)
    steps = ", ".join(f"{users}: {format_rate(rate)}" for users, rate in plan.searched.items())
    return (("users tried", steps),) if steps else ()


def _headline(side: Side) -> str:
    level = {
        "valid": "valid: all checks passed",
        "degraded": "degraded: read its numbers with the reasons below",
        "invalid": "invalid: its latencies are withheld",
    }[str(side.judged.validity.level)]
    word = "started" if side.run.document.plan.executor == "closed" else "planned"
    return f"{level}; {format_count(side.run.planned)} calls {word}"


def _change_notes(sides: Sequence[Side], changed: Table | None) -> tuple[str, ...]:
    if changed is None:
        return (
            ()
            if len(sides) == 1
            else (f"The runs differ in {', '.join(uncomparable([side.run for side in sides]))}.",)
        )
    notes = [why_changed(sides[0], side) for side in sides[1:] if not (sides[0].withheld or side.withheld)]
    if not changed.rows:
        notes.append("No metric shown here changed beyond the detection limit.")
    return tuple(notes)


def _chart_notes(sides: Sequence[Side]) -> tuple[str, ...]:
    withheld = [side.label for side in sides if side.withheld]
    notes = (
        [f"Latency charts leave out {listed(withheld)}: latencies of an invalid run are withheld."]
        if withheld
        else []
    )
    notes += [f"{side.label}: no call returned." for side in sides if not side.returned and not side.withheld]
    return tuple(notes)
