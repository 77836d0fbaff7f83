"""Carry out `harness export` of profiles: those of a load run, and those of a run made for its profiles alone."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from harness.export.firefox import as_firefox
from harness.export.pprof import as_pprof
from harness.export.run_metrics import began_unix_s
from harness.export.speedscope import as_speedscope
from harness.export.stacks import Stacks
from harness.profiles.facts import CpuFacts
from harness.profiles.stacks.folded import read_folded
from harness.profiling.document import ProfiledSide, kinds_and_names
from harness.reading.profiles import profile_files
from harness.reading.summary import RunSummary
from harness.run.directory import write_atomically


def of_run(run: RunSummary) -> list[Stacks]:
    """Return the profiles of a load run, in reading order; none for a run without profiles."""
    cpu = run.document.profiles.cpu
    return [
        _stacks(
            one.path, run.label, began_unix_s(run), run.document.plan.duration_s, [cpu.facts] if cpu else []
        )
        for one in profile_files(run)
    ]


def of_side(side: ProfiledSide) -> list[Stacks]:
    """Return the profiles of one side of a profile-only run: the sums over its rounds."""
    document, folder = side.document, side.directory.path
    began_s = dt.datetime.fromisoformat(document.started_at).timestamp()
    seconds = document.plan.duration_s * max(len(document.rounds), 1)
    paths = [folder / kind / f"{name}.folded" for kind, name in kinds_and_names(document.kinds)]
    return [_stacks(path, side.label, began_s, seconds, side.of_cpu) for path in paths if path.exists()]


def _stacks(path: Path, side: str, began_s: float, seconds: float, cpu: Sequence[CpuFacts]) -> Stacks:
    profile = read_folded(path)
    known = [one.ns_per_sample for one in cpu if one.ns_per_sample]
    sample_ns = fmean(known) if known and profile.unit == "samples" else None
    return Stacks(path.stem, side, profile, began_s, seconds, sample_ns)


def write(found: Sequence[Stacks], formats: Sequence[str], folder: Path) -> list[Path]:
    """Write the profiles in each format and return the files; without profiles there are none."""
    return [path for name in formats for path in FORMATS[name](found, folder)] if found else []


def _write_each(
    suffix: str, form: Callable[[Stacks], bytes]
) -> Callable[[Sequence[Stacks], Path], list[Path]]:
    def each(found: Sequence[Stacks], folder: Path) -> list[Path]:
        written = []
        for one in found:
            path = folder / f"{one.name}{suffix}"
            write_atomically(path, form(one))
            written.append(path)
        return written

    return each


def _write_firefox(found: Sequence[Stacks], folder: Path) -> list[Path]:
    path = folder / "firefox-profiler.json.gz"
    write_atomically(path, as_firefox(found[0].side, found))
    return [path]


def _speedscope(stacks: Stacks) -> bytes:
    return as_speedscope(stacks.name, [(f"{stacks.side} {stacks.name}", stacks.profile)]).encode()


FORMATS: Mapping[str, Callable[[Sequence[Stacks], Path], list[Path]]] = {
    "speedscope": _write_each(".speedscope.json", _speedscope),
    "pprof": _write_each(".pb.gz", as_pprof),
    "firefox": _write_firefox,
}
