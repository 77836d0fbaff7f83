"""Measure making a flame graph of a large profile, as a ratio to reading its lines in the same round."""

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from harness.profiles.stacks.folded import Profile, read_folded, write_folded
from reports.flame.html import render
from reports.flame.view import flame_view

STACKS = 100_000
_ROUNDS = 3
_REQUESTS = 10_000


def flame_rows(folder: Path) -> tuple[tuple[str, str, str], ...]:
    """Return the lines of the table: one profile from its file to HTML, and the difference of two."""
    paths = [folder / f"{seed}.folded" for seed in (1, 2)]
    for seed, path in enumerate(paths):
        write_folded(path, _profile(seed))
    rounds = [
        (
            _seconds(lambda: _lines(paths[:1])),
            _seconds(lambda: _page(paths[:1])),
            _seconds(lambda: _page(paths)),
        )
        for _ in range(_ROUNDS)
    ]
    return tuple(
        (
            f"flame graph of {what}, {STACKS:,} stacks, from file to page",
            f"{statistics.median(times[which] for times in rounds):.2g} s",
            f"{statistics.median(times[which] / times[0] for times in rounds):.3g} × reading the lines of one",
        )
        for which, what in ((1, "one"), (2, "two"))
    )


def _profile(seed: int) -> Profile:
    """Return stacks of 27 frames on few callers, like real programs, so that many are large enough to be shown."""
    rng = random.Random(seed)
    pool = [f"Class{i}.method_{i} (package{i % 40}/module_{i % 300}.py)" for i in range(4000)]
    paths = [("operation:call", *rng.choices(pool, k=25)) for _ in range(750)]
    stacks: dict[tuple[str, ...], float] = {}
    while len(stacks) < STACKS:
        stacks[*rng.choice(paths), rng.choice(pool)] = rng.randrange(1, 50)
    return Profile("samples", stacks)


def _page(paths: list[Path]) -> None:
    sides = [(path.stem, read_folded(path), _REQUESTS) for path in paths]
    render(flame_view("CPU", "samples", sides))


def _lines(paths: list[Path]) -> None:
    for path in paths:
        with path.open(encoding="utf-8") as file:
            for row in file:
                row.rpartition(";")


def _seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of one call, in seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun
