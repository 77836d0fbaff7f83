"""Run a tool in a pair of slots under Callgrind, one of each side, that have the same memory layout and history."""

import contextlib
import dataclasses
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.exact.serving import entered, files_of
from harness.instructions.amounts import LONGEST_S, Amount
from harness.instructions.valgrind import command
from harness.session.receipt import Side
from harness.session.slots.block import BALLAST_SIZES, MOST_BALLAST, MOST_PADDING_BYTES, Stage, equal_padding
from harness.session.slots.launch import Launch
from harness.session.slots.slot import ForeignCodeError, Slot, start_slot
from harness.supervise import private_folder

Use = Callable[[Slot, Amount, Path], Any]
"""Function that uses the tool for a benchmark that is ready in a slot; Callgrind writes into the folder."""
_PATIENCE = 4
"""Factor on the planned time after which a benchmark counts as hung: the machine may be busy."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """The tool's answer for one benchmark on each side, or the reason why there is none."""

    answers: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    trouble: str = ""


@dataclasses.dataclass(slots=True)
class _Driven:
    """One slot's results so far. `error` ended it, while the benchmark `at` was served; before all of them if that is empty."""

    answers: dict[str, Any] = dataclasses.field(default_factory=dict)
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    at: str = ""
    error: str = ""


def run_pairs(
    stage: Stage, amounts: Mapping[str, Amount], use: Use, seed: int, options: Sequence[str] = ()
) -> dict[str, Outcome]:
    """Return the outcome of every benchmark. One that ends or hangs its slot is left out, and the rest go on in a new pair.

    Their order, and the layout of both slots, are drawn from `seed`. Raises ForeignCodeError.
    """
    names = list(amounts)
    random.Random(seed).shuffle(names)
    found: dict[str, Outcome] = {}
    while left := [name for name in names if name not in found]:
        found |= _merged(left, _run_pair(stage, {name: amounts[name] for name in left}, use, seed, options))
    return found


def _merged(names: Sequence[str], driven: Mapping[str, _Driven]) -> dict[str, Outcome]:
    """Return the outcomes up to the first benchmark at which a slot ended: later ones had no equal history."""
    outcomes: dict[str, Outcome] = {}
    for name in names:
        ended = [one.error for one in driven.values() if one.error and one.at in {name, ""}]
        failed = [f"{side}: {one.failed[name]}" for side, one in driven.items() if name in one.failed]
        if trouble := "; ".join([*ended, *failed]):
            outcomes[name] = Outcome(trouble=trouble)
        else:
            outcomes[name] = Outcome({side: one.answers[name] for side, one in driven.items()})
        if any(one.error and one.at == name for one in driven.values()):
            break
    return outcomes


def _run_pair(
    stage: Stage, amounts: Mapping[str, Amount], use: Use, seed: int, options: Sequence[str]
) -> dict[str, _Driven]:
    with private_folder() as folder, contextlib.ExitStack() as stack:
        # Before the slots: they are ended first, so that no thread waits for one.
        executor = stack.enter_context(ThreadPoolExecutor(len(Side)))
        places = {side: folder / f"{side:_<9}" for side in Side}
        launches = _launches(
            stage, amounts, seed, {side: command(place, *options) for side, place in places.items()}
        )
        limits = dataclasses.replace(stage.limits, slice_s=_PATIENCE * LONGEST_S)
        driven = {side: _Driven() for side in Side}
        futures = []
        for side, launch in launches.items():
            places[side].mkdir()
            slot = start_slot(stage.supervisor, stage.homes[side], stage.bench, launch, stage.log, limits)
            stack.enter_context(slot)
            futures.append(executor.submit(_drive, slot, amounts, use, places[side], driven[side]))
        for future in futures:
            future.result()
        return {str(side): one for side, one in driven.items()}


def _launches(
    stage: Stage, amounts: Mapping[str, Amount], seed: int, under: Mapping[Side, tuple[str, ...]]
) -> dict[Side, Launch]:
    """Return the launch of each side: equal sizes of environments and arguments, equal heaps before the first import."""
    rng = random.Random(seed)
    padding_bytes = rng.randrange(MOST_PADDING_BYTES)
    ballast = tuple(rng.randrange(MOST_BALLAST) for _ in range(BALLAST_SIZES))
    names = tuple(amounts)
    launches: dict[str, Launch] = {
        side: Launch(
            files_of(stage, names), names, ballast=ballast, under=under[side],
            warm={name: one.warm for name, one in amounts.items()},
        )
        for side in Side
    }  # fmt: skip
    padding = equal_padding(stage.homes, launches, padding_bytes)
    return {side: dataclasses.replace(launches[side], padding_bytes=padding[side]) for side in Side}


def _drive(slot: Slot, amounts: Mapping[str, Amount], use: Use, place: Path, driven: _Driven) -> None:
    names = list(amounts)
    try:
        slot.collect()
        driven.at = names[0]
        for (name, message), after in zip(entered(slot, names), [*names[1:], ""], strict=False):
            if message.kind == "ready":
                driven.answers[name] = use(slot, amounts[name], place)
            else:
                driven.failed[name] = message.error or "it did not call benchmark"
            driven.at = after or name
        slot.finish()
    except ForeignCodeError:
        raise
    except HarnessError as error:
        if len(driven.answers) + len(driven.failed) < len(names):
            driven.error = str(error)
