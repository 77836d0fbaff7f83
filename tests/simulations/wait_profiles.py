"""Back the claims on wait profiles in rounds: what is called changed is wrong as rarely as is said, and a factor of 3 is found.

`python tests/simulations/wait_profiles.py` prints, for identical sides, the share of sessions with any false change and,
where one frame of the session is so many times as heavy in every round, how often it is found and which share of what is
called changed is false. Five rounds a side. Waits are log-normal; their spread differs from frame to frame (a quarter of the frames have
twice the others' spread), "together" is the share of a run's variance that all frames have in common, as in a slow moment
of the machine, and "bursts" is the share of waits that are four times as long.

With a spread of 26 % a factor of 3 is found in 0.97 to 1.00 of the sessions (0.90 of those with 60 frames that wait long
together), a factor of 1.5 in 0.05 to 0.45, the less the more frames there are. Where a tenth of the waits are four times as
long, 0.56 to 0.66 for a factor of 3. Identical sides have a false change in 0.5 to 5.5 % of the sessions.

`python tests/simulations/wait_profiles.py RUN` resamples the rounds of `harness profile TARGET --kinds wait --rounds 40`
instead: real waits and real callers, of identical code.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from harness.profiles.difference.counts import Counts
from harness.profiles.difference.finding import Finding
from harness.profiles.difference.frames import ProfiledRun, compare_frames
from harness.profiles.difference.timed import compare_timed
from harness.profiles.stacks.folded import Profile
from harness.profiling.document import load

ROUNDS = 5
FACTORS = (1.5, 2.0, 3.0)
Changed = Sequence[bool]


def waits(rng: np.random.Generator, frames: int, spread: float, together: float, bursts: float) -> np.ndarray:
    """Return the waits `[frame, run]` of both sides, 1 on average of logarithms."""
    spreads = spread * np.where(np.arange(frames) % 4, 1.0, 2.0)[:, None]
    own, common = rng.normal(size=(frames, 2 * ROUNDS)), rng.normal(size=(1, 2 * ROUNDS))
    logs = spreads * (np.sqrt(1 - together) * own + np.sqrt(together) * common)
    return np.exp(logs) * np.where(rng.random(logs.shape) < bursts, 4.0, 1.0)


def session(rng: np.random.Generator, factor: float, frames: int, *how: float) -> Changed:
    """Return by frame if it is called changed, where the frame 1 of a session is `factor` times as heavy."""
    times = 1e6 * waits(rng, frames, *how) * np.exp(rng.normal(0, 1, (frames, 1)))
    times[1, ROUNDS:] *= factor
    exposures = np.ones((frames, ROUNDS))
    sides = (Counts(part, exposures) for part in (times[:, :ROUNDS], times[:, ROUNDS:]))
    return [found is Finding.CHANGED for found in compare_timed(*sides).findings]


def row(one: Callable[[float], tuple[Changed, int]], sessions: int) -> str:
    """Return the figures of some sessions: false changes if all is identical, then power and false share for each factor."""
    null = sum(any(one(1.0)[0]) for _ in range(sessions)) / sessions
    words = [f"{null:8.3f}"]
    for factor in FACTORS:
        found, false = 0, 0.0
        for _ in range(sessions):
            changed, heavy = one(factor)
            found += changed[heavy]
            false += (sum(changed) - changed[heavy]) / max(sum(changed), 1)
        words.append(f"{found / sessions:6.2f} {false / sessions:6.3f}")
    return "  ".join(words)


def simulate(sessions: int = 400) -> None:
    """Print the table of simulated sessions."""
    print("frames spread together bursts | any false | " + " | ".join(f"x{f} found, false" for f in FACTORS))
    for frames in (2, 7, 20, 60):
        for spread, together, bursts in ((0.15, 0, 0), (0.26, 0, 0), (0.26, 0.5, 0), (0.26, 0.95, 0), (0.15, 0, 0.1)):  # fmt: skip
            rng = np.random.default_rng(16)
            figures = row(
                lambda factor, rng=rng, how=(frames, spread, together, bursts): (
                    session(rng, factor, *how),
                    1,
                ),
                sessions,
            )
            print(f"{frames:6} {spread:6} {together:8} {bursts:6} | {figures}", flush=True)


def resample(run: Path, sessions: int = 400) -> None:
    """Print the figures of sessions of five pairs of neighbouring rounds of a run, the sides of each pair in random order."""
    rounds = load(run).rounds("wait", "wait")
    rng = np.random.default_rng(16)
    leaves = sorted({stack[-1] for one in rounds for stack in one.profile.stacks})

    def one(factor: float) -> tuple[Changed, int]:
        neighbours = 2 * rng.choice(len(rounds) // 2, ROUNDS, replace=False)
        pairs = [rng.permutation(2) + first for first in neighbours]
        heavy = rng.integers(len(leaves))
        sides = [[rounds[pair[which]] for pair in pairs] for which in (0, 1)]
        sides[1] = [heavier(run, leaves[heavy], factor) for run in sides[1]]
        changed = {row.frame for row in compare_frames(*sides) if row.own.finding is Finding.CHANGED}
        return [name in changed for name in leaves], int(heavy)

    print(f"{len(leaves)} waiting functions in {len(rounds)} rounds | {row(one, sessions)}")


def heavier(run: ProfiledRun, leaf: str, factor: float) -> ProfiledRun:
    """Return a run in which all waits of one function are so many times as long."""
    stacks = {
        stack: weight * (factor if stack[-1] == leaf else 1) for stack, weight in run.profile.stacks.items()
    }
    return ProfiledRun(Profile(run.profile.unit, stacks), run.requests, run.per_weight)


if __name__ == "__main__":
    resample(Path(sys.argv[1])) if len(sys.argv) > 1 else simulate()
