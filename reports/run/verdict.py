"""Word the answer in one sentence, with its notes, its validity and the next command."""

import shlex
import urllib.parse
from collections.abc import Iterator, Sequence

from harness.capacity.plateau import is_reached
from harness.environment import differences
from harness.policy.thresholds import Level
from harness.reading.comparing import COUNT_CAUTION, TIME_CAUTION, uncomparable
from harness.reading.generator import is_foreign
from harness.reading.served import has_bad_errors, is_saturated, kept_up, planned_rate
from harness.units import format_count, format_ns, format_rate, lower_first
from reports.run import trouble
from reports.run.failures import commonest_failures
from reports.run.growth import growing_lines
from reports.run.limits import breaks_a_limit, broken_words, limit_lines, run_to_certify
from reports.run.model import Verdict
from reports.run.next_step import after_locustfile, after_trouble, more_load, scenario_words, variant_words
from reports.run.sides import Side
from reports.run.versus import compared
from reports.shared.model import NextCommand, Status
from reports.shared.words import listed


def verdict(sides: Sequence[Side]) -> Verdict:
    """Return the verdict on one run, or on several against the first."""
    sentence = _single(sides[0]) if len(sides) == 1 else compared(sides)
    return Verdict(
        _status(sides),
        sentence + broken_words(sides),
        tuple(_points(sides)),
        tuple(_trust(sides)),
        limit_lines(sides),
    )


def _status(sides: Sequence[Side]) -> Status:
    if (
        breaks_a_limit(sides)
        or any(side.withheld for side in sides)
        or any(has_bad_errors(side.run) for side in sides)
    ):
        return Status.BAD
    is_clean = all(
        side.judged.validity.level is Level.VALID and kept_up(side.run) and not trouble.first(side)
        for side in sides
    )
    comparable = len(sides) == 1 or not uncomparable([side.run for side in sides])
    return Status.GOOD if is_clean and comparable else Status.CAUTION


def _single(side: Side) -> str:
    """Return the sentence, beginning with the troubles, since they affect all that follows."""
    before = ", ".join(trouble.first(side))
    answer = _answer(side)
    return f"{before[:1].upper()}{before[1:]}: {answer}" if before else answer


def _answer(side: Side) -> str:
    if side.withheld:
        return f"{side.label} gives no usable numbers: {lower_first(side.judged.validity.reasons[0])}."
    total = side.run.total.percentiles("response_ns")
    times = f"{format_ns(total['p50'])} at the median"
    if total["p99"] is not None:
        times += f", {format_ns(total['p99'])} at p99"
    ending = "" if trouble.errors(side) else "; no call failed"
    return f"{_served(side)}{',' if trouble.first(side) else ':'} {times}{ending}."


def _served(side: Side) -> str:
    achieved, planned = side.run.throughput_per_s, planned_rate(side.run)
    if planned is None:
        return f"{side.label} gave {format_rate(achieved)} to {side.run.document.plan.users} users"
    if not kept_up(side.run):
        return f"{side.label} {trouble.too_slow(side)}"
    if trouble.first(side):
        return f"{side.label} completed {format_rate(achieved)} of the planned {format_rate(planned)}"
    return f"{side.label} kept up with {format_rate(planned)}"


def _points(sides: Sequence[Side]) -> Iterator[str]:
    for side in sides:
        yield _outcome_point(side)
        yield from (f"{side.label}: {words}" for words in commonest_failures(side, 1))
        yield from (f"{side.label}: {sentence}" for sentence in growing_lines(side.judged.growth))
        tried = {int(users): rate for users, rate in side.run.document.plan.searched.items()}
        if tried and not is_reached(tried):
            yield f"{side.label}: no plateau was found, more than {max(tried)} users may get more answers"
    yield from _saturation(sides)


def _outcome_point(side: Side) -> str:
    count = f"{format_count(side.run.total.outcomes['completed'])} of {format_count(side.run.planned)} calls completed"
    words = [f"{side.label}: {count}", trouble.errors(side) or "no call failed", trouble.not_served(side)]
    if side.run.document.interrupted:
        words.append(f"{format_count(side.run.total.outcomes['never_started'])} were not sent before the end")
    return ", ".join(filter(None, words))


def _saturation(sides: Sequence[Side]) -> Iterator[str]:
    for side in sides:
        for name, facts in side.run.document.backends.items():
            if facts.is_client and is_saturated(facts, side.run.document.thresholds):
                yield f"{side.label}: the load generator was close to its own ceiling, so its latencies are partly its own"
            elif is_saturated(facts, side.run.document.thresholds):
                yield f"{side.label}: {name} was saturated, so its latencies measure that server"


def _trust(sides: Sequence[Side]) -> Iterator[str]:
    if len(sides) == 1:
        yield "No baseline: one run cannot show a change."
        return
    yield (
        f"Sequential runs, not interleaved: ignore differences under {TIME_CAUTION:g}× in time "
        f"and under {COUNT_CAUTION:g}× in counts."
    )
    if reasons := uncomparable([side.run for side in sides]):
        yield f"Ratios are left out because the runs differ in {listed(reasons)}."
    if names := _moved(sides):
        yield f"The runs also differ in {listed(names)}: see What differed between the runs."
    for name in ("seed", "duration"):
        values = {_plan_value(side, name) for side in sides}
        if len(values) > 1:
            yield f"The runs differ in their {name}, so they did not receive exactly the same calls."


def _moved(sides: Sequence[Side]) -> list[str]:
    """Return the facts of machine and code that differ between runs."""
    environments = [side.run.document.environment for side in sides]
    moved = {name for other in environments[1:] for name in differences(environments[0], other)}
    if len({repr(environment.get("commit")) for environment in environments}) > 1:
        moved.add("commit")
    return sorted(moved)


def _plan_value(side: Side, name: str) -> float:
    return side.run.document.seed if name == "seed" else side.run.document.plan.duration_s


def next_command(sides: Sequence[Side]) -> NextCommand:
    """Return the next command, chosen by the questions that this report leaves open."""
    if step := after_locustfile(sides):
        return step
    if step := after_trouble(sides):
        return step
    if len(sides) == 1 and (longer := run_to_certify(sides[0])):
        return longer
    run, variant = shlex.join(scenario_words(sides[0])), variant_words(sides)
    if not sides[0].run.document.profiles.by_kind() and not is_foreign(sides[0].run):
        return NextCommand(
            f"{run}{variant} --profile cpu,memory", "see which functions the time and memory go to"
        )
    return _live_comparison(sides) or more_load(sides, variant)


def _live_comparison(sides: Sequence[Side]) -> NextCommand | None:
    """Return the command that compares two variants live; None unless the runs are two variants of one target."""
    documents = [side.run.document for side in sides]
    variants = {document.variant for document in documents}
    if len(sides) != 2 or len(variants) < 2 or "" in variants or len({one.target for one in documents}) > 1:
        return None
    base, candidate = (shlex.quote(f"target:{_in_variant(one.target, one.variant)}") for one in documents)
    scenario = shlex.quote(documents[0].scenario)
    return NextCommand(
        f"harness compare {base} {candidate} --suite load --scenario {scenario}",
        "compare both side by side in one session, with intervals",
    )


def _in_variant(target: str, variant: str) -> str:
    return f"{target}{'&' if '?' in target else '?'}{urllib.parse.urlencode({'variant': variant})}"
