"""Discover the benchmarks: each side runs each of them for a few calls before anything is measured."""

import dataclasses
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from harness.errors import InvalidRunError, RefusedError, UsageError
from harness.micro.places import holds_benchmark
from harness.session.receipt import Concurrency, Side, State
from harness.session.slots import room
from harness.session.slots.block import Stage
from harness.session.slots.launch import Bench, Launch
from harness.session.slots.sizing import Found, calls_per_slice
from harness.session.slots.slot import Message, Slot, SlotError, start_slot

_SLICES = 5
_SLICE_NS = 3_000_000
_MOST_SLICES_NS = 500_000_000
"""Largest time for the timed slices of one benchmark, in ns: a long call is made once after its warm-up, not five times."""
_NO_ROOM = (
    "it works with {} beside its calling thread, and this session has the time of {:.3g} CPU: at least two are needed to "
    "compare its wall time"
)
_ENDINGS = {
    "failed": "fails",
    "skipped": "is skipped",
    "xfailed": "fails as expected (xfail)",
    "passed": "has nothing to measure",
    "listed": "exists",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """One benchmark on one side: its time per call, or the reason for a missing time.

    `outcome` is pytest's (passed, failed, skipped, xfailed), or `listed` for one that was not run.
    """

    ns: float | None = None
    whole_ns: float = 0.0
    ready_s: float = 0.0
    outcome: str = "passed"
    why: str = ""
    warm_calls: int = 0
    most_calls: int = 0
    concurrency: Concurrency = Concurrency.NONE

    @property
    def in_words(self) -> str:
        """The reason for a missing time, as the end of a sentence."""
        return f"{_ENDINGS[self.outcome]}: {self.why}"


_LISTED = Ran(outcome="listed", why="it was not run")


@dataclasses.dataclass(slots=True)
class Survey:
    """The benchmarks of one side. `errors` are files that cannot be imported, `skipped` those that skip themselves.

    `trouble` is the reason if no benchmark can run.
    """

    files: dict[str, str] = dataclasses.field(default_factory=dict)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    ran: dict[str, Ran] = dataclasses.field(default_factory=dict)
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)
    start_s: float = 0.0
    trouble: str = ""
    imported: set[str] = dataclasses.field(default_factory=set)
    """Source roots that its benchmarks have imported."""
    beside: Concurrency = Concurrency.NONE
    """The work beside the main thread that belongs to no benchmark: it begins with an import, or goes on to the end."""
    at: str = ""
    """Benchmark that a slot is working on; it gets the blame if the slot ends."""

    @property
    def is_whole(self) -> bool:
        """Return True if all files were imported, and no benchmark failed."""
        failed = (ran.outcome == "failed" for ran in self.ran.values())
        return bool(self.ran) and not (self.trouble or self.errors or any(failed))

    def of(self, name: str, file: str) -> Ran:
        """Return the result of a benchmark, by the name and file that the other side may have given it."""
        if name in self.ran:
            return self.ran[name]
        if file in self.skipped:
            return Ran(outcome="skipped", why=self.skipped[file])
        why = self.trouble or self.errors.get(file) or "it is not among this side's benchmarks"
        return Ran(outcome="failed", why=why)


LookedAt = Callable[[int, int], None]
"""Callback for the number of benchmarks run, and of all; may raise to end the survey."""


def survey(
    stage: Stage,
    side: str,
    looked_at: LookedAt = lambda _done, _count: None,
    choose: Callable[[Survey], Sequence[str]] = lambda found: list(found.files),
) -> Survey:
    """Run the benchmarks of the suite that `choose` names, on one side; the others are only listed.

    One that kills or hangs its slot is recorded and skipped.
    """
    found = Survey()
    try:
        with _start(stage, side, None) as slot:
            _collect(slot, found)
            chosen = choose(found)
            found.ran = {name: _LISTED for name in found.files if name not in chosen}
            if len(chosen) == len(found.files):
                _run_all(slot, list(found.files), found, looked_at)
    except SlotError as error:
        if not found.files:
            found.trouble = str(error)
            return found
        _blame(found, error, list(found.files))
    _run_rest(stage, side, list(found.files), found, looked_at)
    return found


def survey_of(
    stage: Stage,
    side: str,
    names: Collection[str],
    listed: Survey,
    looked_at: LookedAt = lambda _done, _count: None,
) -> Survey:
    """Run the benchmarks `names` of a side whose suite is already in `listed`; its other benchmarks are only listed."""
    found = dataclasses.replace(listed)
    found.ran = {name: _LISTED for name in listed.files if name not in names}
    _run_rest(stage, side, [name for name in listed.files if name in names], found, looked_at)
    return found


def listing(stage: Stage, side: str) -> Survey:
    """Return the suite of one side without running it; `trouble` is the reason if it cannot be imported."""
    found = Survey()
    try:
        with _start(stage, side, None) as slot:
            _collect(slot, found)
    except SlotError as error:
        found.trouble = str(error)
    return found


def _run_rest(
    stage: Stage,
    side: str,
    names: Sequence[str],
    found: Survey,
    looked_at: LookedAt = lambda _done, _count: None,
) -> None:
    """Run the remaining benchmarks, in as many slots as needed."""
    while left := [name for name in names if name not in found.ran]:
        try:
            with _start(stage, side, left) as slot:
                slot.collect()
                _run_all(slot, left, found, looked_at)
        except SlotError as error:
            _blame(found, error, left)


def merge(
    base: Survey, candidate: Survey, base_names: frozenset[str], bench: Bench
) -> tuple[list[Found], list[str]]:
    """Return the state of every benchmark, and notes on files and tests that are not measured.

    `base_names` are the benchmarks of the base's own suite: those that the candidate lacks were removed. A file that
    the candidate cannot import is broken if the base found benchmarks in it, or its text in `bench` names one.
    """
    files = {**base.files, **candidate.files}
    found, notes = [], []
    for name, file in files.items():
        if candidate.of(name, file) is _LISTED:
            continue
        one = _state(name, file, base.of(name, file), candidate.of(name, file))
        if one is not None:
            found.append(one)
        else:
            notes.append(f"{name} {candidate.of(name, file).in_words}")
    found = _with_concurrency(found, greater(base.beside, candidate.beside))
    known = set(files.values())
    held = {name.partition("::")[0] for name in base_names}
    for file, why in candidate.errors.items():
        if file in known:
            # Each of its benchmarks is reported as broken by name.
            continue
        if file in held or holds_benchmark(bench.file(file)):
            found.append(Found(file, file, State.BROKEN, note=why))
        else:
            notes.append(f"{file} cannot be imported and names no benchmark: {why}")
    notes += [f"{file} skips itself: {why}" for file, why in candidate.skipped.items() if file not in known]
    gone = sorted(base_names - files.keys())
    found += [Found(name, name, State.REMOVED, note=_why_gone(name, candidate)) for name in gone]
    return found, notes


def require_measurable(base: Survey, candidate: Survey) -> None:
    """Raise `RefusedError` if a side's target was refused: the target is the whole suite."""
    for side, survey_of_side in zip(Side, (base, candidate), strict=True):
        whys = [*survey_of_side.errors.values(), *(ran.why for ran in survey_of_side.ran.values())]
        for why in whys:
            _, refused, sentence = why.partition(f"{RefusedError.__name__}: ")
            if refused:
                raise RefusedError(f"The {side}: {sentence}")


def _why_gone(name: str, candidate: Survey) -> str:
    """Return the reason why the candidate lacks a benchmark of the base's own suite."""
    file = name.partition("::")[0]
    if file in candidate.skipped:
        return f"the candidate's {file} skips itself: {candidate.skipped[file]}"
    why = candidate.trouble or candidate.errors.get(file)
    return (
        f"the candidate's suite cannot be imported: {why}"
        if why
        else "the candidate's suite no longer has it"
    )


def require_some(
    found: Sequence[Found], notes: Sequence[str], base: Survey, candidate: Survey, suite: Path
) -> None:
    """Raise if no side has a benchmark: `UsageError`, or `InvalidRunError` where there are some and none runs."""
    if found:
        return
    why = candidate.trouble or base.trouble
    if notes and not why:
        more = f" (and {len(notes) - 1} more like it)" if len(notes) > 1 else ""
        raise InvalidRunError(
            f"No benchmark can be measured: {notes[0]}{more}",
            where=str(suite),
            remedy="Make at least one of them run; without a measurement nothing passes",
        )
    raise UsageError(
        f"No benchmark can be run: {why}"
        if why
        else "The suite has no benchmark: no test takes the fixture 'benchmark'",
        where=str(suite),
        remedy="Run the suite with plain pytest for details",
    )


def _state(name: str, file: str, base: Ran, candidate: Ran) -> Found | None:
    """Return the state of one benchmark; None where neither side has anything to measure, and the candidate did not fail."""
    is_of_base = base.ns is not None or base.outcome == "listed"
    whole_ns, ready_s = max(base.whole_ns, candidate.whole_ns), base.ready_s + candidate.ready_s
    if candidate.ns is not None and base.ns is not None:
        return Found(
            name, file, State.BOTH, base.ns, candidate.ns, whole_ns, ready_s,
            warm_calls=max(base.warm_calls, candidate.warm_calls),
            most_calls=max(base.most_calls, candidate.most_calls),
            concurrency=greater(base.concurrency, candidate.concurrency),
        )  # fmt: skip
    if candidate.ns is not None:
        note = f"on the base it {base.in_words}"
        return Found(name, file, State.NEW, None, candidate.ns, whole_ns, ready_s, note)
    if candidate.outcome == "failed" or (candidate.outcome == "passed" and is_of_base):
        is_same = base.outcome == "failed" and base.why == candidate.why
        note = f"on both sides: {candidate.why}" if is_same else candidate.why
        return Found(name, file, State.BROKEN, base.ns, None, whole_ns, ready_s, note)
    if is_of_base:
        note = f"on the candidate it {candidate.in_words}"
        return Found(name, file, State.REMOVED, base.ns, None, whole_ns, ready_s, note)
    return None


def greater(one: Concurrency, other: Concurrency) -> Concurrency:
    """Return the kind of work that asks for more: children, then threads."""
    order = list(Concurrency)
    return max(one, other, key=order.index)


def _with_concurrency(found: Sequence[Found], of_all: Concurrency) -> list[Found]:
    """Return the benchmarks with the work that goes on during all of them, and the reason if this machine cannot time it."""
    cpus = room.cpus()
    alone = []
    for one in found:
        concurrency = greater(one.concurrency, of_all) if one.state is State.BOTH else one.concurrency
        is_alone = concurrency is not Concurrency.NONE
        note = one.note or (_NO_ROOM.format(concurrency, cpus) if is_alone and cpus < room.LEAST_CPUS else "")
        alone.append(dataclasses.replace(one, concurrency=concurrency, note=note))
    return alone


def _start(stage: Stage, side: str, order: list[str] | None) -> Slot:
    launch = Launch(stage.bench.files, order)
    return start_slot(stage.supervisor, stage.homes[side], stage.bench, launch, stage.log, stage.limits)


def _collect(slot: Slot, found: Survey) -> None:
    start_s = time.monotonic()
    message = slot.collect()
    found.files, found.errors, found.skipped = message.files, message.errors, message.skipped
    found.imported.update(message.imported)
    found.beside = greater(found.beside, message.present)
    found.start_s = time.monotonic() - start_s


def _run_all(slot: Slot, names: list[str], found: Survey, looked_at: LookedAt) -> None:
    for name in names:
        looked_at(len(found.ran), len(found.files))
        _move_on(slot, found)
        found.at, start_s = name, time.monotonic()
        message = slot.enter(name)
        found.imported.update(message.imported)
        if message.kind == "done":
            found.ran[name] = Ran(outcome=message.outcome, why=message.error or "it did not call benchmark")
        else:
            ready_s = time.monotonic() - start_s
            ns = _ns_per_call(slot, message)
            whole_ns = message.whole_ns or ns
            found.ran[name] = Ran(
                ns, whole_ns, ready_s, warm_calls=message.warm_calls, most_calls=message.most_calls
            )
    _move_on(slot, found)
    if (last := slot.finish()) is not None:
        found.beside = greater(found.beside, last.present)


def _move_on(slot: Slot, found: Survey) -> None:
    ended = slot.move_on()
    if ended is None:
        return
    found.imported.update(ended.imported)
    if ended.outcome != "passed":
        found.ran[found.at] = Ran(outcome=ended.outcome, why=ended.error)
    else:
        # A thread that rests changes nothing; one that wakes up later is noticed in its block.
        found.ran[found.at] = dataclasses.replace(found.ran[found.at], concurrency=ended.beside)


def _ns_per_call(slot: Slot, warm: Message) -> float:
    if warm.most_calls:
        return float(slot.slice_ns(1)[0])
    calls = calls_per_slice(warm.ns, warm.whole_ns, _SLICE_NS)
    slices = max(1, min(_SLICES, int(_MOST_SLICES_NS / max(warm.whole_ns * calls, 1.0))))
    slot.begin()
    # The fastest slice: disturbances only lengthen a slice, and injected regressions are a share of this time.
    return min(slot.slice_ns(calls)[0] for _ in range(slices)) / calls


def _blame(found: Survey, error: SlotError, names: Sequence[str]) -> None:
    """Record the benchmark at which a slot ended, so that the next slot skips it."""
    found.ran[found.at if found.at in names else names[0]] = Ran(outcome="failed", why=str(error))
