"""List each side's measured packages, their paths and compiled modules; refuse code that is not a side's own."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.session.receipt import MeasuredRoot, Side
from harness.session.sides.roots import NEVER_LINKED, import_name, is_compiled

_MOST_NAMED = 3


def measured_roots(roots: Mapping[str, str], trees: Mapping[Side, Path]) -> tuple[MeasuredRoot, ...]:
    """Return each root with its path on both sides, relative to their trees, and its compiled modules."""
    return tuple(_measured(name, path, trees) for name, path in sorted(roots.items()))


def _measured(name: str, path: str, trees: Mapping[Side, Path]) -> MeasuredRoot:
    base, candidate = (trees[side] / path for side in Side)
    return MeasuredRoot(
        name=name,
        base=path if base.exists() else None,
        candidate=path if candidate.exists() else None,
        base_compiled=sorted(_compiled(name, base)),
        candidate_compiled=sorted(_compiled(name, candidate)),
    )


def _compiled(root: str, place: Path) -> Iterator[str]:
    """Yield the import name of each compiled module, and the path of each other shared library."""
    if place.is_file() and is_compiled(place):
        yield root
    for folder, names, files in os.walk(place):
        names[:] = [name for name in names if name not in NEVER_LINKED]
        inside = Path(folder).relative_to(place)
        for name in files:
            if is_compiled(Path(name)):
                yield f"{root}.{import_name(inside / name)}"
            elif name.endswith((".so", ".dylib")) or ".so." in name:
                yield f"{root}/{inside / name}"


def refuse_uneven_builds(measured: Sequence[MeasuredRoot], trees: Mapping[Side, Path]) -> None:
    """Raise UsageError if one side has compiled modules that the other lacks: that side would fall back, or fail.

    Modules that are new to a side with its own build and their source are accepted.
    """
    for one in measured:
        if one.base is None or one.candidate is None:
            continue
        for side, own, others in (
            (Side.BASE, one.base_compiled, one.candidate_compiled),
            (Side.CANDIDATE, one.candidate_compiled, one.base_compiled),
        ):
            lacking = sorted({*others} - {*own})
            if own:
                lacking = [name for name in lacking if _has_source(trees[side], name)]
            if lacking:
                raise UsageError(
                    f"Compiled modules are in one side only: the {side} lacks {_some(lacking)}, which the "
                    f"{side.other} has",
                    where=str(trees[side]),
                    remedy="Build both sides in their own folders, and compare those: path:BASE path:CANDIDATE",
                )


def built_elsewhere(
    roots: Mapping[str, str], measured: Sequence[MeasuredRoot], places: Iterable[Path], copies: Iterable[str]
) -> tuple[str, ...]:
    """Return notes on compiled modules that both sides lack, and a checkout or an installed copy has.

    `places` are checkouts, `copies` the files of installed ones. Both sides then fall back, or fail: alike, but
    differently from the code in use.
    """
    known = {name for one in measured for name in (*one.base_compiled, *one.candidate_compiled)}
    built = {
        name for place in places for root, path in roots.items() for name in _compiled(root, place / path)
    }
    files = [Path(copy) for copy in copies if is_compiled(Path(copy))]
    for root in roots:
        parts = tuple(root.split("."))
        built |= {
            f"{root}.{import_name(Path(*file.parts[start + len(parts) :]))}"
            for file in files
            for start in range(len(file.parts) - len(parts))
            if file.parts[start : start + len(parts)] == parts
        }
    lacking = sorted(built - known)
    if not lacking:
        return ()
    note = f"Both sides lack the compiled {_some(lacking)} of the installed package: the fallback is measured"
    return (note,)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _has_source(tree: Path, name: str) -> bool:
    """Return True if the tree has a file of the module's name, in any language."""
    stem = name.rpartition("/")[2].partition(".")[0] if "/" in name else name.rpartition(".")[2]
    for _, folders, files in os.walk(tree):
        folders[:] = [folder for folder in folders if folder not in NEVER_LINKED]
        if any(file.partition(".")[0] == stem for file in files):
            return True
    return False


def refuse_unused(
    measured: Sequence[MeasuredRoot], named: Sequence[str], imported: Collection[str], where: str
) -> None:
    """Raise UsageError if no benchmark imports a root of the policy, or any of the roots found."""
    if not measured:
        return
    paths = {one.name: Path(one.candidate or one.base or "") for one in measured}
    used = [paths[name] for name in imported if name in paths]
    unused = [
        name
        for name in named or ["."]
        if not any(path.is_relative_to(name) or Path(name).is_relative_to(path) for path in used)
    ]
    if not unused:
        return
    what = ", ".join(f"'{name}'" for name in unused) if named else f"any of {_some(list(paths))}"
    raise UsageError(
        f"No benchmark imports {what}: the source roots do not match the benchmarks",
        where=where,
        remedy='Name the packages that the benchmarks import: [tool.harness] source-roots = ["src/package"]',
    )
