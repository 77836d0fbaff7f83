"""Serve benchmarks from slots outside of blocks, for counting and profiling, without paired timing."""

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from harness.session.slots.block import Stage
from harness.session.slots.launch import Launch
from harness.session.slots.slot import Message, Slot, start_slot


def serve(
    stage: Stage, side: str, names: Sequence[str], warm: Mapping[str, int] | None = None
) -> Generator[tuple[str, Slot]]:
    """Yield the name of each benchmark that the side can run, with the slot that is ready to call it, in this order.

    `warm` is the number of warm-up calls for each; those without a number are called until they are steady. Raises SlotError
    when the slot dies or hangs. The hash seed is fixed, so that sets are iterated in one order.
    """
    launch = Launch(files_of(stage, names), tuple(names), warm=warm or {})
    home = stage.homes[side]
    with start_slot(stage.supervisor, home, stage.bench, launch, stage.log, stage.limits) as slot:
        slot.collect()
        for name, message in entered(slot, names):
            if message.kind == "ready":
                yield name, slot
        slot.finish()


def files_of(stage: Stage, names: Sequence[str]) -> tuple[Path, ...]:
    """Return the files of the benchmarks."""
    return tuple(dict.fromkeys(stage.bench.file(stage.files[name]) for name in names))


def entered(slot: Slot, names: Sequence[str]) -> Generator[tuple[str, Message]]:
    """Let a slot that has collected set up each benchmark in turn; yield its message, `ready` to be called or `done` without."""
    for name in names:
        slot.move_on()
        message = slot.enter(name)
        if message.kind == "ready":
            slot.begin()
        yield name, message
    slot.move_on()
