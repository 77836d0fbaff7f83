"""Runs of hours with samples of known truth, made without waiting: a turned clock."""

import random
from pathlib import Path

import msgspec

from harness.run.directory import RunDirectory
from harness.run.samples import Sample
from tests.support.run_builder import make_run

ORIGIN_NS = 10**12
STILL = {
    "rss_bytes": 90_000_000,
    "own_bytes": 60_000_000,
    "blocks": 400_000,
    "fds": 12,
    "threads": 3,
    "greenlets": 5,
}


def write_samples(folder: Path, seconds, **courses):
    """Write a sample for each second: `courses` are functions of the second; everything else is still."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(5)
    made = [
        Sample(
            at_ns=ORIGIN_NS + second * 10**9,
            took_ns=50_000 + rng.randrange(1000),
            **{**STILL, **{name: round(course(second)) for name, course in courses.items()}},
        )
        for second in seconds
    ]
    (folder / RunDirectory.SAMPLES).write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in made))


def make_soak(
    parent: Path, duration_s: int = 3600, rate_per_s: float = 2.0, slos=(), changes=None, **courses
) -> Path:
    """Write a run directory of that length with samples from a warm-up of 10 s on, and return its path."""
    path = make_run(
        parent, scenario="soak", duration_s=float(duration_s), rate_per_s=rate_per_s, warmup_s=10.0, split=False,
        **(changes or {}),
    )  # fmt: skip
    directory = RunDirectory(path)
    write_samples(directory.timing, range(-10, duration_s + 1), **courses)
    document = directory.read()
    document.slos = list(slos)
    directory.write(document)
    return path
