"""Serve benchmarks from slots outside of blocks, for counting and profiling, without paired timing."""

from collections.abc import Generator, Mapping, Sequence

from harness.session.slots.block import Stage
from harness.session.slots.launch import Launch
from harness.session.slots.slot import Slot, start_slot


def serve(
    stage: Stage, side: str, names: Sequence[str], warm: Mapping[str, int] | None = None
) -> Generator[tuple[str, Slot]]:
    """Yield the name of each benchmark that the side can run, with the slot that is ready to call it, in this order.

    `warm` is the number of warm-up calls for each; those without a number are called until they are steady. Raises SlotError
    when the slot dies or hangs. The hash seed is fixed, so that sets are iterated in one order.
    """
    files = tuple(dict.fromkeys(stage.bench.file(stage.files[name]) for name in names))
    launch = Launch(files, tuple(names), warm=warm or {})
    home = stage.homes[side]
    with start_slot(stage.supervisor, home, stage.bench, launch, stage.log, stage.limits) as slot:
        slot.collect()
        for name in names:
            slot.move_on()
            if slot.enter(name).kind == "ready":
                slot.begin()
                yield name, slot
        slot.move_on()
        slot.finish()
