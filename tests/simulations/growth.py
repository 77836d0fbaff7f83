"""Claim: a quantity that does not grow is said to grow in about 1 % of runs at most, however its samples depend on one another.

Series of memory sampled every second, judged by the product's code. Those without growth are noise, teeth, warm-up, a cache
that fills, memory in steps of an allocator that stay (a random walk) or go (breathing). Leaks of 100 B a call at 50, 200 and
1,000 calls a second are added to each. The table has the share of runs said to grow, to be flat, and left open; of leaks also
how often the interval holds the true growth (98 % is claimed where nothing fills or warms up) and the median time that an open
one asks for, in minutes. Run it with `python tests/simulations/growth.py [RUNS]`; 400 runs take about ten minutes.

The claim holds for what repeats within a third of the run. Growth that would stop after the run cannot be told from growth:
the rows of a warm-up as long as the run and of a tooth longer than it say so.
"""

import statistics
import sys

import numpy as np

from harness.policy.growth import QUANTITIES, Course, growth_of

RNG = np.random.default_rng(7)
MB = 1e6
LEVEL = 80 * MB
PAGES = 64 * 4096


def noise(seconds):
    return RNG.normal(0, 0.3 * MB, len(seconds))


def heavy(seconds):
    return RNG.standard_t(2, len(seconds)) * 0.2 * MB


def teeth(period_s, height=20 * MB):
    def made(seconds):
        return ((seconds / period_s + RNG.random()) % 1) * height + noise(seconds)

    return made


def random_teeth(mean_s, height=20 * MB):
    """Memory that a collection returns at random times."""

    def made(seconds):
        value, values = RNG.random() * height, []
        for falls in RNG.random(len(seconds)) < 1 / mean_s:
            value = 0.0 if falls else value + height / mean_s
            values.append(value)
        return np.array(values) + noise(seconds)

    return made


def steps(mean_s, size=1 * MB):
    """Arenas taken and returned at random, and kept: a random walk."""

    def made(seconds):
        happens = RNG.random(len(seconds)) < 1 / mean_s
        return np.cumsum(happens * RNG.choice([-size, size], len(seconds))) + noise(seconds)

    return made


def gaussian_walk(per_root_s):
    def made(seconds):
        return np.cumsum(RNG.normal(0, per_root_s, len(seconds))) + noise(seconds)

    return made


def breathing(memory_s, size=3 * MB):
    """An autoregressive course around a level."""

    def made(seconds):
        keep = np.exp(-1 / memory_s)
        pushes, value, values = (
            RNG.normal(0, size * np.sqrt(1 - keep**2), len(seconds)),
            RNG.normal(0, size),
            [],
        )
        for push in pushes:
            value = keep * value + push
            values.append(value)
        return np.array(values) + noise(seconds)

    return made


def warmup(share, size=40 * MB):
    """Exponential, with a time constant of this share of the run."""

    def made(seconds):
        return size * (1 - np.exp(-seconds / (share * seconds[-1]))) + noise(seconds)

    return made


def cache(share, size=64 * MB):
    """Fills evenly until this share of the run."""

    def made(seconds):
        return size * np.minimum(seconds / (share * seconds[-1]), 1) + noise(seconds)

    return made


def one_step(size=10 * MB):
    """Something loaded once, at a random time."""

    def made(seconds):
        return size * (seconds > RNG.random() * seconds[-1]) + noise(seconds)

    return made


def still(seconds):
    return np.zeros(len(seconds))


def courses(length_s):
    third = length_s / 3
    return {
        "still": still,
        "noise 0.3 MB": noise,
        "noise with heavy tails": heavy,
        "teeth of 20 MB, 10 s": teeth(10),
        "teeth, 1/20 of the run": teeth(length_s / 20),
        "teeth, 1/6 of the run": teeth(length_s / 6),
        "teeth, 1/3 of the run": teeth(third),
        "random teeth, mean 1/50": random_teeth(length_s / 50),
        "random teeth, mean 1/20": random_teeth(length_s / 20),
        "random teeth, mean 1/10": random_teeth(length_s / 10),
        "steps of 1 MB that stay, 1/10": steps(length_s / 10),
        "steps of 1 MB that stay, 1/100": steps(length_s / 100),
        "random walk, 5 MB in a run": gaussian_walk(5 * MB / np.sqrt(length_s)),
        "breathing 3 MB, 1/100": breathing(length_s / 100),
        "breathing 3 MB, 1/10": breathing(length_s / 10),
        "one step of 10 MB": one_step(),
        "warm-up, constant 1/10": warmup(1 / 10),
        "warm-up, constant 1/3": warmup(1 / 3),
        "cache of 64 MB, full at 1/4": cache(1 / 4),
        "cache of 64 MB, full at 1/2": cache(1 / 2),
        "cache of 64 MB, full at 3/4": cache(3 / 4),
    }  # fmt: skip


def beyond(length_s):
    return {
        "(beyond) warm-up, constant 1": warmup(1.0),
        "(beyond) teeth of 1.5 runs": teeth(1.5 * length_s),
        "(beyond) random teeth, mean 1/3": random_teeth(length_s / 3),
    }


def judged(length_s, course, per_s, runs):
    seconds = np.arange(0.0, length_s + 1)
    for _ in range(runs):
        memory = LEVEL + course(seconds) + per_s * seconds
        memory = np.round(memory / PAGES) * PAGES
        yield growth_of(QUANTITIES["rss"], seconds.tolist(), memory.tolist(), calls_per_s=1.0)


def row(length_s, name, course, per_s, runs):
    found = list(judged(length_s, course, per_s, runs))
    shares = [sum(one.course is course_of for one in found) / runs for course_of in Course]
    holds = sum(one.low <= per_s * 3600 <= one.high for one in found) / runs
    more = [one.more_s / 60 for one in found if one.more_s is not None]
    widths = statistics.median((one.high - one.low) / 2 / MB for one in found)
    asks = f"{statistics.median(more):8.0f}" if more else "       –"
    print(f"{length_s / 60:4.0f} min  {per_s * 3600 / MB:6.1f} MB/h  {name:34}", end="")
    print("".join(f"{share:8.3f}" for share in shares) + f"{holds:8.3f}{widths:12.2f}{asks}", flush=True)
    return shares[0]


def main(runs):
    print(
        "run       growth       course                               grows    flat    open   holds  ± MB/h     asks"
    )
    worst = {}
    for length_s in (120, 600, 3600):
        for name, course in courses(length_s).items():
            worst[length_s, name] = row(length_s, name, course, 0.0, runs)
        for name, course in beyond(length_s).items():
            row(length_s, name, course, 0.0, runs)
    for length_s in (120, 600, 3600):
        for calls_per_s in (50, 200, 1000):
            for name, course in courses(length_s).items():
                row(length_s, name, course, 100.0 * calls_per_s, max(runs // 4, 1))
    name, share = max(worst.items(), key=lambda pair: pair[1])
    print(f"Most often said to grow without growth: {name[1]} in {name[0]} s, {share:.3f} of {runs} runs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 400)
