"""Read the profiles of a run directory: stacks, the requests that they cover, and their precision."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import InvalidRunError
from harness.profiles.stacks.folded import Profile, read_folded
from harness.profiles.stacks.frames import CHILDREN
from harness.reading.summary import RunSummary

_FOLDERS = ("cpu", "wait", "memory")


@dataclasses.dataclass(frozen=True, slots=True)
class RunProfile:
    """One profile of a run; weights are of the whole run and scaled by `requests` of each operation."""

    profile: Profile
    requests: Mapping[str, int]
    ns_per_sample: float | None = None
    """CPU time per sample, in ns; None where it is unknown or nothing was sampled."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileFile:
    """A file of stacks; `name` is like `cpu/cpu`."""

    name: str
    path: Path

    @property
    def kind(self) -> str:
        """Name of the profiler that wrote it."""
        return self.name.partition("/")[0]


def profile_files(run: RunSummary) -> Iterator[ProfileFile]:
    """Yield the existing files of stacks, in reading order."""
    for folder in _FOLDERS:
        for path in sorted((run.directory.path / folder).glob("*.folded")):
            yield ProfileFile(f"{folder}/{path.stem}", path)


def read_profile(run: RunSummary, file: ProfileFile) -> RunProfile:
    """Read one file of stacks. Raises `InvalidRunError` where it is damaged or empty."""
    profile = read_folded(file.path)
    if profile.total <= 0:
        raise InvalidRunError(f"The profile holds no {profile.unit}", where=str(file.path))
    cpu = run.document.profiles.cpu
    sample_ns = cpu.facts.ns_per_sample if cpu and profile.unit == "samples" else None
    return RunProfile(profile, _requests(run, file.kind), sample_ns)


def _requests(run: RunSummary, kind: str) -> Mapping[str, int]:
    """Return the requests answered by the profiled process, by operation; those of the timing run where unknown."""
    facts = run.document.profiles.by_kind().get(kind)
    if facts and any(facts.requests.values()):
        return facts.requests
    return {name: summary.count for name, summary in run.operations.items()}


def own_samples(profile: Profile) -> float:
    """Return the number of samples of the process itself; only these are compared."""
    return profile.total - profile.under(CHILDREN)
