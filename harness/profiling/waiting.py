"""Make the wait profile of a finished timing run from the records of its processes, in `wait/`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from harness.errors import HarnessError
from harness.model import Engine
from harness.profiles.capture.wait import WaitProfiles, fold, read
from harness.profiles.stacks.folded import write_folded
from harness.run.directory import RunDirectory, write_atomically
from harness.run.documents import WaitProfile
from harness.run.facts import LoadFacts
from harness.table.shares import part_folders

NO_SPLIT = "--no-split"
HOOK_TAKEN = "another tool of the process has taken its hook"
OFF = "No wait profile: without the split ({}) no waits are recorded."
THREADS = "No wait profile: the calls ran in threads, and nothing in the process sees when a thread begins and ends to wait."
LOST = "No wait profile: the measured process wrote none before its end. The table of calls does not depend on it."
NOTHING = "No wait profile: no call waited for 0.2 ms or more."


def why_none(facts: LoadFacts | None, *, split: bool = True) -> str | None:
    """Return a sentence on why a run recorded no waits; None where it did. `split` tells whether the split was requested."""
    if facts is not None and facts.engine is Engine.THREADS:
        return THREADS
    if facts is not None and (facts.split_taken or (split and not facts.split)):
        return OFF.format(HOOK_TAKEN)
    return None if split else OFF.format(NO_SPLIT)


def fold_waits(timing: Path, roots: Sequence[str]) -> WaitProfiles | str:
    """Return the profiles of the wait records that a run left in `timing`, or a sentence on why there are none.

    Paths are relative to `roots`. Raises `InvalidRunError` for a damaged record.
    """
    records = read(timing)
    profiles = fold(records, roots)
    if profiles.facts.stacks_read:
        return profiles
    return NOTHING if records else LOST


def profile_waits(directory: RunDirectory, requests: Mapping[str, int], *, none: str | None) -> WaitProfile:
    """Write the wait profile of a run into `wait/` and return its facts; `requests` are the calls that returned.

    `none` is a sentence on why the run recorded no waits; None where it did. A missing profile is a sentence in `WaitProfile.reason`.
    """
    if none:
        return WaitProfile(reason=none)
    try:
        profiles = fold_waits(directory.timing, [str(Path.cwd())])
        if isinstance(profiles, str):
            return WaitProfile(reason=profiles)
        directory.wait.mkdir(exist_ok=True)
        write_folded(directory.wait / "wait.folded", profiles.waiting)
        if profiles.parallel.stacks:
            write_folded(directory.wait / "parallel.folded", profiles.parallel)
        write_atomically(directory.waits_by_latency_path, msgspec.json.encode(profiles.by_latency))
    except (HarnessError, OSError) as error:
        return WaitProfile(reason=f"No wait profile: {error}")
    processes = len(part_folders(directory.timing)) or 1
    lost = processes - profiles.processes
    return WaitProfile(
        file="wait/wait.folded",
        reason=f"The wait profile lacks {lost} of {processes} workers, which wrote none." if lost else None,
        facts=profiles.facts,
        requests=dict(requests),
    )
