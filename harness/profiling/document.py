"""A run made for its profiles alone: its document, the paths of each round's profiles, and reading them.

Two sides profiled in turns share a `session`: only then are their rounds replicates of one another.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import InvalidRunError
from harness.profiles.difference.frames import SAMPLED, ProfiledRun
from harness.profiles.facts import CpuFacts
from harness.profiles.stacks.folded import Profile, merge, read_folded, write_folded
from harness.run.directory import RunDirectory
from harness.run.documents import AnyProfile, CpuProfile, PlanFacts, Profiles
from harness.storage.folder import SCHEMA

KIND = "profile"
FILES = {"cpu": ("cpu",), "wait": ("wait",), "memory": ("memory", "bytes", "peak", "leaks")}
"""Folded files of a round, by kind."""
MOMENTS = {"peak"}
"""Profiles of a single moment, which cannot be summed over requests or rounds."""


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One process of each kind; `turn` is the place of this side in the round's random order, by kind."""

    number: int
    turn: dict[str, int] = {}
    profiles: Profiles = msgspec.field(default_factory=Profiles)


class ProfileDocument(msgspec.Struct, kw_only=True):
    """`run.json` of one side of a profile-only run."""

    schema: int = SCHEMA
    status: str = "running"
    kind: str = KIND
    scenario: str
    target: str
    variant: str
    subject: str
    """Name of this side, for people."""
    seed: int
    started_at: str
    command: str
    plan: PlanFacts
    environment: dict[str, Any]
    session: str
    """Identifier shared by the sides that were profiled in turns."""
    kinds: list[str]
    rounds_planned: int
    rounds: list[Round] = []
    interrupted: bool = False
    trouble: list[str] = []


@dataclasses.dataclass(frozen=True, slots=True)
class ProfiledSide:
    """One side as read from its run directory."""

    directory: RunDirectory
    document: ProfileDocument

    @property
    def label(self) -> str:
        """Name of the side in reports."""
        return self.document.subject

    def facts(self, kind: str) -> Sequence[AnyProfile]:
        """Return the profiler's facts about its own work for each round."""
        every = (one.profiles.by_kind().get(kind) for one in self.document.rounds)
        return [found for found in every if found is not None]

    @property
    def of_cpu(self) -> list[CpuFacts]:
        """The facts of the rounds that have a CPU profile."""
        made = (one.profiles.cpu for one in self.document.rounds)
        return [one.facts for one in made if one is not None and one.file]

    def rounds(self, kind: str, name: str) -> list[ProfiledRun]:
        """Return the profile `name` of each round that has one. Raises `InvalidRunError` for a damaged file."""
        return list(self._rounds(kind, name))

    def _rounds(self, kind: str, name: str) -> Iterator[ProfiledRun]:
        for one in self.document.rounds:
            facts = one.profiles.by_kind().get(kind)
            if facts is None or facts.file is None:
                continue
            profile = read_folded(round_folder(self.directory, kind, one.number) / f"{name}.folded")
            requests = {"": 1} if name in MOMENTS else facts.requests
            sample_ns = ns_per_sample(one.profiles.cpu) if profile.unit == SAMPLED else None
            yield ProfiledRun(profile, requests, sample_ns or 1.0)

    @property
    def missing(self) -> list[str]:
        """Return for each requested kind without any profile the reason for that."""
        return [
            next((found.reason for found in self.facts(kind) if found.reason), f"No {kind} profile was made.")
            for kind in self.document.kinds
            if not any(found.file for found in self.facts(kind))
        ]


def round_folder(directory: RunDirectory, kind: str, number: int) -> Path:
    """Return the folder of one round's profile of a kind."""
    return directory.path / kind / f"round-{number:02d}"


def ns_per_sample(profile: CpuProfile | None) -> float | None:
    """Return the CPU time that one sample stands for; None where the rate is not known."""
    return profile.facts.ns_per_sample if profile else None


def load(path: Path) -> ProfiledSide:
    """Read one side. Raises `InvalidRunError` if `run.json` is missing, damaged or of another kind of run."""
    if not path.is_dir():
        raise InvalidRunError(
            "This run directory does not exist",
            where=str(path),
            remedy="Name a folder that 'harness profile' made",
        )
    directory = RunDirectory(path)
    return ProfiledSide(directory, directory.read_as(KIND, ProfileDocument))


def are_interleaved(sides: Sequence[ProfiledSide]) -> bool:
    """Return True if all sides were profiled in one session."""
    return len({side.document.session for side in sides}) == 1


def together(runs: Sequence[ProfiledRun]) -> ProfiledRun:
    """Return the rounds of one side merged into one: its weights per request are those of all rounds together.

    A profile of a single moment is averaged over the rounds instead. Raises ValueError for no round.
    """
    if not runs:
        raise ValueError("a side needs a round")
    merged = merge(run.profile for run in runs)
    if all(set(run.requests) == {""} for run in runs):
        return ProfiledRun(merged.scaled(1 / len(runs)), {"": 1})
    requests: dict[str, float] = {}
    for run in runs:
        for name, count in run.requests.items():
            requests[name] = requests.get(name, 0) + count
    exposure = sum(sum(run.requests.values()) / run.per_weight for run in runs)
    return ProfiledRun(merged, requests, sum(requests.values()) / exposure if exposure else 1.0)


def write_sums(side: ProfiledSide) -> None:
    """Write each merged profile for other tools: `cpu/cpu.folded`, `memory/leaks.folded` and so on."""
    for kind, name in kinds_and_names(side.document.kinds):
        if runs := side.rounds(kind, name):
            write_folded(side.directory.path / kind / f"{name}.folded", _whole(together(runs).profile))


def _whole(profile: Profile) -> Profile:
    # A mean of rounds need not be a whole number of bytes, and its decimals are noise.
    return dataclasses.replace(
        profile, stacks={stack: round(weight) for stack, weight in profile.stacks.items()}
    )


def kinds_and_names(kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (kind, name of the folded file) in reading order."""
    for kind, names in FILES.items():
        if kind in kinds:
            for name in names:
                yield kind, name


def operations(sides: Sequence[ProfiledSide]) -> Mapping[str, int]:
    """Return the number of requests of every operation in the profiles of all sides."""
    counts: dict[str, int] = {}
    for side in sides:
        for one in side.document.rounds:
            for facts in one.profiles.by_kind().values():
                for name, count in facts.requests.items():
                    counts[name] = counts.get(name, 0) + count
    return counts
