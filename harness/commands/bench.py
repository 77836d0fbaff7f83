"""`harness bench`: the micro-benchmark suite under pytest-benchmark, one run directory for each variant."""

import argparse
import dataclasses
import datetime as dt
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import environment
from harness.commands.showing import micro as show_micro
from harness.console.console import Talk
from harness.errors import ExitCode, HarnessError, InvalidRunError, UsageError, worst
from harness.judge.policy_file import read
from harness.micro.document import KIND, MicroDocument
from harness.micro.process import Contents, Measured, collect, measure
from harness.micro.suite import Suite
from harness.run.directory import RunDirectory
from harness.supervise import Supervisor, termination_as_exception
from harness.work.ended import Work
from harness.work.suites import OWN, choose, find_suite, suite_text
from targets.registry import TARGETS

_CODES = "Exit codes: 0 all measured, 2 nothing fits SELECT or no suite, 5 a benchmark failed or has no times, 130 interrupted."


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """All that the user asked for, checked."""

    suite: Suite
    suite_text: str
    variants: tuple[str, ...]
    words: tuple[str, ...]
    out: Path
    command: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = _CODES
    parser.add_argument(
        "select",
        nargs="*",
        metavar="SELECT",
        help="a name, a part of one, or a glob; none: all ('harness list')",
    )
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="V",
        help="of the asset core; may be given several times",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs"), metavar="DIR", help="parent of the run directory"
    )


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    folder = Path.cwd()
    suite = find_suite(folder, read(folder))
    request = Request(
        suite=suite,
        suite_text=suite_text(suite, folder),
        variants=_variants(args.variant, suite),
        words=tuple(args.select),
        out=args.out,
        command=shlex.join(["harness", *sys.argv[1:]]),
    )
    work = carry_out(request, talk)
    code = show_micro.present(work.directories, talk, interrupted=work.interrupted)
    if work.error is None:
        return code
    talk.say(f"harness: The work ended early: {work.error}")
    return worst([code, work.error.exit_code])


def carry_out(request: Request, talk: Talk) -> Work:
    """Measure every variant. Ctrl-C ends the work in good order and keeps what was measured."""
    work = Work()
    try:
        with termination_as_exception(), Supervisor() as supervisor:
            contents = collect(supervisor, request.suite)
            names = choose(_names(contents, request), request.words, contents.broken)
            for variant in request.variants:
                _measure(request, variant, names, contents, supervisor, talk, work)
    except KeyboardInterrupt:
        work.interrupted = True
    except HarnessError as error:
        if not work.directories:
            raise
        work.error = error
    return work


def _names(contents: Contents, request: Request) -> tuple[str, ...]:
    if not contents.names and contents.broken:
        file, error = next(iter(contents.broken.items()))
        raise InvalidRunError(
            f"No benchmark can be imported: {file}: {error}",
            where=request.suite_text,
            remedy="Correct it, or put what it imports among the source-roots of [tool.harness]",
        )
    if not contents.names:
        listed = "; ".join(f"{file} {why}" for file, why in contents.aside.items())
        raise UsageError(
            f"The suite holds no benchmark{f': {listed}' if listed else ''}",
            where=request.suite_text,
            remedy="A benchmark is a pytest function with the argument `benchmark`, in a file test_*.py",
        )
    return contents.names


def _variants(wanted: list[str], suite: Suite) -> tuple[str, ...]:
    if suite.place != OWN:
        # What a variant is, a suite of the user's own decides: it reads it from the environment.
        return tuple(dict.fromkeys(wanted)) or ("",)
    known = TARGETS["asset-core"].variants
    for variant in wanted:
        if variant not in known:
            raise UsageError(
                f"The asset core has no variant '{variant}'", remedy=f"It has: {', '.join(known)}"
            )
    return tuple(dict.fromkeys(wanted)) or known[:1]


def _measure(
    request: Request, variant: str, names: tuple[str, ...], contents: Contents, supervisor: Supervisor,
    talk: Talk, work: Work,
) -> None:  # fmt: skip
    directory = RunDirectory.create(request.out, "bench", variant, KIND)
    document = MicroDocument(
        suite=request.suite_text,
        variant=variant,
        started_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        command=request.command,
        environment=environment.collect(),
        planned=list(names),
        broken={} if request.words else dict(contents.broken),
        aside={} if request.words else dict(contents.aside),
    )
    directory.write(document)
    result = Measured()
    work.directories.append(directory)
    try:
        with _progress(talk, f"Benchmarks of {variant or request.suite_text}", len(names)) as began:
            measure(supervisor, request.suite, names, variant, directory.timing, result, began)
    except KeyboardInterrupt:
        document.interrupted = True
        raise
    finally:
        document.status = "finished"
        document.ends, document.host, document.seconds = result.ends, result.host, result.seconds
        document.trouble = [result.trouble] if result.trouble else []
        _keep_or_discard(directory, document, work)


def _keep_or_discard(directory: RunDirectory, document: MicroDocument, work: Work) -> None:
    if document.interrupted and not document.ends:
        # A folder without a measurement helps nobody.
        directory.discard()
        work.directories.remove(directory)
    else:
        directory.write(document)


@contextmanager
def _progress(talk: Talk, what: str, count: int) -> Iterator[Callable[[str], None]]:
    with talk.progress(what, count) as tick:
        begun = 0

        def began(name: str) -> None:
            nonlocal begun
            tick(begun)
            begun += 1
            if not talk.console.is_terminal:
                talk.say(f"  {begun}/{count} {name}")

        yield began
