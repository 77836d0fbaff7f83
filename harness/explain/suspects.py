"""Name the functions that changed in a regression: from counts, or from profiles of both sides.

A function of a timed benchmark is named only where interleaved profiles show that it changed; otherwise the note gives
the number of samples needed.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from harness.exact.metrics import unit_of
from harness.explain.rounds import MOST_S, ROOT, SECONDS, Profiled, profile_rounds
from harness.profiles.difference.finding import STRICT, Finding, samples_needed
from harness.profiles.difference.frames import FrameChange, ProfiledRun, compare_frames
from harness.profiles.stacks.folded import Profile
from harness.session.receipt import Benchmark, Block, Count, FunctionChange, Phase, Receipt, Side, Suspects
from harness.session.slots.block import Stage
from harness.units import format_count, format_ns

MOST_FUNCTIONS = 8
MOST_PROFILED = 5
TIMED = ("wall", "cpu_mean", "wall_mean")
"""Metrics of micro-benchmarks that a CPU profile explains."""
_MOSTLY = 0.5
"""Smallest share of CPU time in a change of wall time: below it, the regression is waiting."""


def profiled_benchmarks(receipt: Receipt, regressed: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the benchmarks that `explain` profiles, the first few that regressed in time, with their metric."""
    # In the order of the judge, the first of a benchmark's metrics stands for all.
    timed = {name: metric for name, metric in reversed([*regressed]) if metric in TIMED}
    known = [
        one.name for one in receipt.benchmarks if one.name in timed and one.of is None and not one.most_calls
    ]
    return {name: timed[name] for name in known[:MOST_PROFILED]}


def explain(
    receipt: Receipt,
    regressed: Iterable[tuple[str, str]],
    stage: Stage | None,
    seconds: float = SECONDS,
    most_s: float = MOST_S,
) -> list[Suspects]:
    """Return the suspects of each (benchmark, metric) that regressed, where there are any to name.

    Exact metrics are explained by their own call sites; the first few micro-benchmarks by profiles of both sides, which
    take the time of `rounds.seconds_needed` and begin no round after `most_s`. `stage` of None profiles nothing.
    """
    asked = list(regressed)
    found = [suspects_of(count) for count in receipt.counts if (count.benchmark, count.metric) in asked]
    timed = profiled_benchmarks(receipt, asked)
    if stage is None or not timed:
        return found
    marks = [one for one in receipt.benchmarks if one.name in timed and one.of is None]
    profiled = profile_rounds(stage, marks, receipt.seed, seconds, most_s=min(most_s, MOST_S))
    return found + [suspects_in(one, timed[one.name], receipt.blocks, profiled[one.name]) for one in marks]


def suspects_in(benchmark: Benchmark, metric: str, blocks: Sequence[Block], profiled: Profiled) -> Suspects:
    """Return the functions with a changed self CPU time per call, and in the note intervals or the samples needed.

    A function's time is its share of a profile's samples times the CPU time of a call on that side in `blocks`.
    """
    cpu_ns = ns_per_call(benchmark, blocks, of_cpu=True)
    runs = {
        side: [_run(profile, call_ns) for profile in profiled.by_side[side]]
        for side, call_ns in zip(Side, cpu_ns, strict=True)
    }
    rows = compare_frames(runs[Side.BASE], runs[Side.CANDIDATE]) if profiled.rounds else ()
    changed = [row for row in rows if row.own.finding is Finding.CHANGED][:MOST_FUNCTIONS]
    notes = [
        *(f"{side}: {reason}" for side, reason in profiled.reasons.items()),
        *([_tested(profiled), *_said(changed, profiled, cpu_ns)] if profiled.rounds else []),
        *_waiting(ns_per_call(benchmark, blocks), cpu_ns),
    ]
    return Suspects(
        benchmark=benchmark.name,
        metric=metric,
        functions=[
            FunctionChange(function=row.frame, base=row.own.before, candidate=row.own.after, unit="ns")
            for row in changed
        ],
        note=" ".join(f"{note.rstrip('.')}." for note in notes),
    )


def _run(profile: Profile, call_ns: float) -> ProfiledRun:
    """Return a profile in ns per call: the samples of the calls themselves sum to the time of a call."""
    own = sum(weight for stack, weight in profile.stacks.items() if stack[0] == ROOT)
    return ProfiledRun(profile, {"": own or profile.total}, call_ns or 1.0)


def _samples(profiled: Profiled) -> tuple[int, int]:
    base, candidate = (round(sum(one.total for one in profiled.by_side[side])) for side in Side)
    return base, candidate


def _tested(profiled: Profiled) -> str:
    base, candidate = _samples(profiled)
    return (
        f"Tested on {profiled.rounds} interleaved profiles a side, {format_count(base)} samples of the base and"
        f" {format_count(candidate)} of the candidate"
    )


def _said(changed: Sequence[FrameChange], profiled: Profiled, cpu_ns: tuple[float, float]) -> list[str]:
    """Return the intervals of the named functions; without any, the number of samples needed to name one."""
    if profiled.rounds < STRICT.least_runs:
        missing = STRICT.least_runs - profiled.rounds
        return [f"Too few profiles to name a function: {missing} more a side are needed"]
    if changed:
        intervals = ", ".join(
            f"{row.frame.partition(' (')[0]} {_signed(row.own.low)} to {_signed(row.own.high)}"
            for row in changed
        )
        return [f"95 % intervals of the difference per call: {intervals}"]
    fewest = min(_samples(profiled))
    told = f"No function is distinguishable with {format_count(fewest)} samples a side"
    base_ns, candidate_ns = cpu_ns
    effect = abs(candidate_ns - base_ns) / max(base_ns, candidate_ns, 1.0)
    needed = samples_needed(effect) if effect else 0
    if needed > fewest:
        return [f"{told}; about {format_count(needed)} are needed"]
    return [f"{told}: the change is spread over several functions, or varies as much between processes"]


def _waiting(wall_ns: tuple[float, float], cpu_ns: tuple[float, float]) -> list[str]:
    """Return a sentence if most of a change is not CPU time."""
    wall, used = wall_ns[1] - wall_ns[0], cpu_ns[1] - cpu_ns[0]
    if wall <= 0 or used >= _MOSTLY * wall:
        return []
    sentence = (
        f"A call takes {format_ns(wall)} more, of which {_signed(used)} is CPU time: look for waiting, which a CPU profile"
        " does not show"
    )
    return [sentence]


def _signed(value_ns: float) -> str:
    return f"{'−' if value_ns < 0 else '+'}{format_ns(abs(value_ns))}"


def suspects_of(count: Count) -> Suspects:
    """Return the functions whose part of an exact metric changed most: its sites."""
    functions = largest_changes(count.base_sites, count.candidate_sites, unit=unit_of(count.metric))
    agree = len({*count.base}) <= 1 and len({*count.candidate}) <= 1
    note = "Counted: all repetitions agree." if agree else "From the first repetition of each side."
    return Suspects(benchmark=count.benchmark, metric=count.metric, functions=functions, note=note)


def largest_changes(
    base: Mapping[str, float], candidate: Mapping[str, float], *, unit: str
) -> list[FunctionChange]:
    """Return at most eight functions that differ between the sides, the largest absolute change first."""
    changes = [
        FunctionChange(function=name, base=base.get(name, 0.0), candidate=candidate.get(name, 0.0), unit=unit)
        for name in sorted({*base, *candidate})
    ]
    changes.sort(key=lambda change: -abs(change.candidate - change.base))
    return [change for change in changes if change.base != change.candidate][:MOST_FUNCTIONS]


def ns_per_call(
    benchmark: Benchmark, blocks: Sequence[Block], *, of_cpu: bool = False
) -> tuple[float, float]:
    """Return the time of a call on both sides, in ns: wall time or CPU time of its thread.

    Medians over the slices of confirmation, or of all blocks without it; without slices the times of discovery.
    """
    usable = [block for block in blocks if benchmark.name in block.slices]
    confirmed = [block for block in usable if block.phase is Phase.CONFIRM]
    slices = [block.slices[benchmark.name] for block in confirmed or usable]
    base = [ns for one in slices for ns in (of_cpu and one.base_cpu_ns) or one.base_ns]
    candidate = [ns for one in slices for ns in (of_cpu and one.candidate_cpu_ns) or one.candidate_ns]
    if not slices:
        return benchmark.base_ns or 0.0, benchmark.candidate_ns or 0.0
    return statistics.median(base) / benchmark.calls, statistics.median(candidate) / benchmark.calls
