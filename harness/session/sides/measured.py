"""List each side's measured packages, their paths and compiled modules; refuse code that is not a side's own."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.session.receipt import MeasuredRoot, Side
from harness.session.sides.roots import NEVER_LINKED, import_name, is_compiled, read_built

BUILD_BOTH = 'Have each side built: [tool.harness] build = "pip", or another command'
_MOST_NAMED = 3
_SAME_S = 2.0
"""Difference in time between files that may have been written at once, by a checkout, in seconds."""
_COMPILED_FROM = {".pyx": b"", ".c": b"PyInit_", ".cc": b"PyInit_", ".cpp": b"PyInit_", ".rs": b"#[pymodule]"}
"""Suffixes of sources of compiled modules, with the words that such a source has."""


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
    for file in _files(place):
        inside = file.relative_to(place)
        if is_compiled(file):
            yield f"{root}.{import_name(inside)}"
        elif file.name.endswith((".so", ".dylib")) or ".so." in file.name:
            yield f"{root}/{inside}"


def refuse_uneven_builds(measured: Sequence[MeasuredRoot], trees: Mapping[Side, Path]) -> None:
    """Raise UsageError if one side has compiled modules that the other lacks: that side would fall back, or fail.

    Modules that are new to a side with its own build and their source are accepted. A module that was compiled before its source
    was edited is refused too: it is another code than that of the tree.
    """
    for one in measured:
        _refuse_stale(one, trees)
        if one.base is None or one.candidate is None:
            continue
        for side, own, others in (
            (Side.BASE, one.base_compiled, one.candidate_compiled),
            (Side.CANDIDATE, one.candidate_compiled, one.base_compiled),
        ):
            lacking = sorted({*others} - {*own})
            is_built = read_built(trees[side]) is not None
            if own or is_built:
                lacking = [name for name in lacking if _has_source(trees[side], name)]
            if lacking:
                raise UsageError(
                    f"Compiled modules are in one side only: the {side} lacks {_some(lacking)}, which the "
                    f"{side.other} has",
                    where=str(trees[side]),
                    remedy="Its build left them out without failing: make the command fail there"
                    if is_built
                    else BUILD_BOTH,
                )


def _refuse_stale(one: MeasuredRoot, trees: Mapping[Side, Path]) -> None:
    for side, path in ((Side.BASE, one.base), (Side.CANDIDATE, one.candidate)):
        place = trees[side] / (path or "")
        for file in _files(place) if path and read_built(trees[side]) is None else ():
            if not is_compiled(file):
                continue
            stem, compiled_s = file.name.partition(".")[0], file.stat().st_mtime
            sources = (file.with_name(stem + suffix) for suffix in _COMPILED_FROM)
            edited = next(
                (one for one in sources if one.exists() and one.stat().st_mtime > compiled_s + _SAME_S), None
            )
            if edited is not None:
                raise UsageError(
                    f"The {side}'s {file.relative_to(trees[side])} is older than its source {edited.name}",
                    where=str(trees[side]),
                    remedy=f"Compile it again. {BUILD_BOTH}",
                )


def _files(place: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(place):
        names[:] = [name for name in names if name not in NEVER_LINKED]
        yield from (Path(folder, name) for name in files)


def built_elsewhere(
    roots: Mapping[str, str], measured: Sequence[MeasuredRoot], places: Sequence[Path], copies: Iterable[str]
) -> tuple[str, ...]:
    """Return notes on modules that nobody compiled, though the project has sources of them or installed copies have them.

    `places` are checkouts, `copies` the files of installed ones. Raises `UsageError` where sides that were not built lack
    compiled modules that a checkout or an installed copy has: both would fall back, or fail, alike, but differently from
    the code in use.
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
    is_built = any(read_built(place) is not None for place in places)
    if lacking and not is_built:
        raise UsageError(
            f"Both sides lack the compiled {_some(lacking)} of the installed package, and would measure a fallback",
            where=str(places[-1]) if places else "",
            remedy=BUILD_BOTH,
        )
    if lacking:
        return (
            f"Both builds lack the compiled {_some(lacking)} of the installed package: the fallback is measured",
        )
    sources = (
        [] if known else sorted({name for place in places for name in sources_of_compiled(roots, place)})
    )
    if not sources or is_built:
        return ()
    return (
        f"Nothing is compiled, though the project has {_some(sources)}: a fallback would be measured. {BUILD_BOTH}",
    )


def sources_of_compiled(roots: Mapping[str, str], place: Path) -> Iterator[str]:
    """Yield the path of each source of a compiled module that lies among the modules of a root."""
    for path in roots.values():
        yield from (str(file.relative_to(place)) for file in _files(place / path) if _is_source(file))


def _is_source(path: Path) -> bool:
    words = _COMPILED_FROM.get(path.suffix)
    try:
        return words is not None and words in path.read_bytes()
    except OSError:
        return False


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
