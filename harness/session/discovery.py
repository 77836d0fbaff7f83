"""Discovery: each side runs every benchmark for a few calls, so that what can be measured is known before it is."""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.session.block import Stage
from harness.session.launch import Launch
from harness.session.receipt import State
from harness.session.sizing import Found, calls_per_slice
from harness.session.slot import Message, Slot, SlotError, start_slot

_SLICES = 5
_SLICE_NS = 3_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """One benchmark on one side: its time per call, or why there is none."""

    ns: float | None = None
    whole_ns: float = 0.0
    ready_s: float = 0.0
    outcome: str = "passed"
    why: str = ""
    warm_calls: int = 0


@dataclasses.dataclass(slots=True)
class Survey:
    """What one side can run. `errors` are files that cannot be imported, `trouble` is why nothing can."""

    files: dict[str, str] = dataclasses.field(default_factory=dict)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    ran: dict[str, Ran] = dataclasses.field(default_factory=dict)
    start_s: float = 0.0
    trouble: str = ""
    imported: set[str] = dataclasses.field(default_factory=set)
    """The source roots that its benchmarks have imported."""
    at: str = ""
    """The benchmark that a slot is busy with: the one to blame if it ends."""

    @property
    def is_whole(self) -> bool:
        """True if everything could be imported, and no benchmark failed."""
        failed = (ran.outcome == "failed" for ran in self.ran.values())
        return bool(self.ran) and not (self.trouble or self.errors or any(failed))

    def of(self, name: str, file: str) -> Ran:
        """Return what is known of a benchmark, by the name and file that the other side may have given it."""
        why = self.trouble or self.errors.get(file) or "it is not among this side's benchmarks"
        return self.ran.get(name) or Ran(outcome="failed", why=why)


def survey(stage: Stage, side: str) -> Survey:
    """Run every benchmark of the suite on one side. One that kills or hangs its slot is noted, and left out."""
    found = Survey()
    try:
        with _start(stage, side, None) as slot:
            _collect(slot, found)
            _run_all(slot, list(found.files), found)
    except SlotError as error:
        if not found.files:
            found.trouble = str(error)
            return found
        _blame(found, error, list(found.files))
    while left := [name for name in found.files if name not in found.ran]:
        try:
            with _start(stage, side, left) as slot:
                slot.collect()
                _run_all(slot, left, found)
        except SlotError as error:
            _blame(found, error, left)
    return found


def merge(base: Survey, candidate: Survey, base_names: frozenset[str]) -> tuple[list[Found], list[str]]:
    """Return the state of every benchmark, and what must be said of those that are none.

    `base_names` are the benchmarks of the base's own suite: those that the candidate lacks were removed.
    """
    files = {**base.files, **candidate.files}
    found, notes = [], []
    for name, file in files.items():
        one = _state(name, file, base.of(name, file), candidate.of(name, file))
        if one is not None:
            found.append(one)
        else:
            notes.append(f"{name}: {candidate.of(name, file).why}")
    known = set(files.values())
    unread = {file: why for file, why in candidate.errors.items() if file not in known}
    found += [Found(file, file, State.BROKEN, note=why) for file, why in unread.items()]
    gone = sorted(base_names - files.keys())
    found += [Found(name, name, State.REMOVED, note="the candidate's suite has it no more") for name in gone]
    return found, notes


def require_some(found: list[Found], base: Survey, candidate: Survey, suite: Path) -> None:
    """Raise UsageError if there is no benchmark on any side."""
    if found:
        return
    why = candidate.trouble or base.trouble
    raise UsageError(
        f"No benchmark can be run: {why}"
        if why
        else "The suite has no benchmark: no test takes the fixture 'benchmark'",
        where=str(suite),
        remedy="Run it with plain pytest to see more",
    )


def _state(name: str, file: str, base: Ran, candidate: Ran) -> Found | None:
    """Return None where neither side has anything to measure, and neither failed."""
    whole_ns, ready_s = max(base.whole_ns, candidate.whole_ns), base.ready_s + candidate.ready_s
    if candidate.ns is not None and base.ns is not None:
        warm_calls = max(base.warm_calls, candidate.warm_calls)
        return Found(name, file, State.BOTH, base.ns, candidate.ns, whole_ns, ready_s, warm_calls=warm_calls)
    if candidate.ns is not None:
        return Found(name, file, State.NEW, None, candidate.ns, whole_ns, ready_s, f"on the base: {base.why}")
    if base.ns is None and candidate.outcome != "failed":
        return None
    note = candidate.why if base.ns is not None else f"on both sides: {candidate.why}"
    return Found(name, file, State.BROKEN, base.ns, None, whole_ns, ready_s, note)


def _start(stage: Stage, side: str, order: list[str] | None) -> Slot:
    launch = Launch((stage.bench.suite,), order)
    return start_slot(stage.supervisor, stage.homes[side], stage.bench, launch, stage.log, stage.limits)


def _collect(slot: Slot, found: Survey) -> None:
    start_s = time.monotonic()
    message = slot.collect()
    found.files, found.errors = message.files, message.errors
    found.start_s = time.monotonic() - start_s


def _run_all(slot: Slot, names: list[str], found: Survey) -> None:
    for name in names:
        _move_on(slot, found)
        found.at, start_s = name, time.monotonic()
        message = slot.enter(name)
        found.imported.update(message.imported)
        if message.kind == "done":
            found.ran[name] = Ran(outcome=message.outcome, why=message.error or "it did not call benchmark")
        else:
            ready_s = time.monotonic() - start_s
            found.ran[name] = Ran(
                _ns_per_call(slot, message), message.whole_ns, ready_s, warm_calls=message.warm_calls
            )
    _move_on(slot, found)
    slot.finish()


def _move_on(slot: Slot, found: Survey) -> None:
    ended = slot.move_on()
    found.imported.update(ended.imported if ended else ())
    if ended is not None and ended.outcome == "failed":
        found.ran[found.at] = Ran(outcome="failed", why=ended.error)


def _ns_per_call(slot: Slot, warm: Message) -> float:
    calls = calls_per_slice(warm.ns, warm.whole_ns, _SLICE_NS)
    slot.begin()
    # The fastest: what disturbs a slice only makes it longer, and injected regressions are a share of this.
    return min(slot.slice_ns(calls)[0] for _ in range(_SLICES)) / calls


def _blame(found: Survey, error: SlotError, names: Sequence[str]) -> None:
    """Note the benchmark at which a slot ended, so that the next slot leaves it out."""
    found.ran[found.at if found.at in names else names[0]] = Ran(outcome="failed", why=str(error))


def suite_names(stage: Stage, side: str) -> frozenset[str]:
    """Return the names of a suite without running it; none if it cannot be imported."""
    found = Survey()
    try:
        with _start(stage, side, None) as slot:
            _collect(slot, found)
    except SlotError:
        return frozenset()
    return frozenset(found.files)
