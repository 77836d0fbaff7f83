"""The profiles in a run directory: stacks, the requests that they cover, and how far they can be trusted."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import InvalidRunError
from harness.profiles.stacks.folded import Profile, read_folded
from harness.profiles.stacks.frames import CHILDREN
from harness.reading.summary import RunSummary

_FOLDERS = ("cpu", "wait", "memory")
_MOST_ELSEWHERE = 0.02
"""Of a target's allocations, before it is said that they are in no operation; as for exact counts."""


@dataclasses.dataclass(frozen=True, slots=True)
class RunProfile:
    """One profile of a run; weights are of the whole run, `requests` by operation scale them."""

    profile: Profile
    requests: Mapping[str, int]
    ns_per_sample: float | None = None
    """CPU time that one sample stands for; None where it is not known or nothing was sampled."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileFile:
    """A file of stacks; `name` is like `cpu/cpu`."""

    name: str
    path: Path

    @property
    def kind(self) -> str:
        """The profiler whose it is."""
        return self.name.partition("/")[0]


def profile_files(run: RunSummary) -> Iterator[ProfileFile]:
    """Yield the files of stacks that there are, in reading order."""
    for folder in _FOLDERS:
        for path in sorted((run.directory.path / folder).glob("*.folded")):
            yield ProfileFile(f"{folder}/{path.stem}", path)


def read_profile(run: RunSummary, file: ProfileFile) -> RunProfile:
    """Read one of them. Raises `InvalidRunError` where it is damaged or holds nothing."""
    profile = read_folded(file.path)
    if profile.total <= 0:
        raise InvalidRunError(f"The profile holds no {profile.unit}", where=str(file.path))
    cpu = run.document.profiles.cpu
    sample_ns = cpu.facts.ns_per_sample if cpu and profile.unit == "samples" else None
    return RunProfile(profile, _requests(run, file.kind), sample_ns)


def _requests(run: RunSummary, kind: str) -> Mapping[str, int]:
    """Return what the profiler's own process answered, by operation; the timing run's where it does not say."""
    facts = run.document.profiles.by_kind().get(kind)
    if facts and any(facts.requests.values()):
        return facts.requests
    return {name: summary.count for name, summary in run.operations.items()}


def elsewhere_share(run: RunSummary) -> float | None:
    """Return the part of the target's allocations that is in no operation; None where it is not worth telling."""
    memory = run.document.profiles.memory
    if memory is None:
        return None
    elsewhere, within = memory.facts.elsewhere_allocations or 0, memory.facts.allocations or 0
    share = elsewhere / (elsewhere + within) if elsewhere else 0.0
    return share if share > _MOST_ELSEWHERE else None


def own_samples(profile: Profile) -> float:
    """Return the samples of the process itself, which are those that are compared."""
    return profile.total - profile.under(CHILDREN)


def detectable_share(samples: float) -> float:
    """Return how large a difference of two CPU profiles must be: counts are Poisson, so about 4 / sqrt(samples)."""
    return 4 / math.sqrt(samples) if samples else math.inf
