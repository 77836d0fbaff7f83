"""Carry out `harness bench`: run a suite under pytest-benchmark, with one run directory for each variant."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness import environment
from harness.console.console import Talk
from harness.errors import InvalidRunError, UsageError
from harness.micro.choosing import choose
from harness.micro.document import KIND, MicroDocument
from harness.micro.process import Contents, Measured, collect, measure
from harness.micro.suite import Suite
from harness.policy.build import Build
from harness.policy.policy import Policy
from harness.run.directory import RunDirectory
from harness.session.sides.builds import Builder
from harness.session.sides.built import built_overlay
from harness.session.sides.subjects import working_tree
from harness.storage.stamps import started_now
from harness.supervise import Supervisor
from harness.work.ended import Work
from harness.work.suites import is_own
from targets.registry import TARGETS


@dataclasses.dataclass(frozen=True, slots=True)
class BenchRequest:
    """The checked request of the user."""

    suite: Suite
    suite_text: str
    variants: tuple[str, ...]
    words: tuple[str, ...]
    out: Path
    command: str
    policy: Policy
    build: Build | None = None
    """The command that builds the project first; None to measure it as it is."""


def variants_of(suite: Suite, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the variants to measure. Raises `UsageError` for an unknown variant of the asset core."""
    if not is_own(suite):
        # A suite of the user's own defines its variants itself: it reads the variant from the environment.
        return tuple(dict.fromkeys(wanted)) or ("",)
    known = TARGETS["asset-core"].variants
    for variant in wanted:
        if variant not in known:
            raise UsageError(
                f"The asset core has no variant '{variant}'", remedy=f"Choose from: {', '.join(known)}"
            )
    return tuple(dict.fromkeys(wanted)) or known[:1]


def carry_out(request: BenchRequest, talk: Talk) -> Work:
    """Measure every variant. Ctrl-C ends the work cleanly and keeps what was measured."""
    work = Work()
    with (
        work.measuring(lambda: work.directories) as supervisor,
        built_suite(request, supervisor, talk) as suite,
    ):
        contents = collect(supervisor, suite)
        names = chosen_of(contents, request)
        request = dataclasses.replace(request, suite=suite)
        for variant in request.variants:
            _measure(request, variant, names, contents, supervisor, talk, work)
    return work


@contextmanager
def built_suite(request: BenchRequest, supervisor: Supervisor, talk: Talk) -> Iterator[Suite]:
    """Yield the suite, for the project as the request's command builds it, if it has one."""
    builder = Builder.of(request.build, supervisor, talk.say)
    if builder is None:
        yield request.suite
        return
    with built_overlay(working_tree(request.suite.project), request.policy, builder) as overlay:
        yield dataclasses.replace(request.suite, overlay=overlay)


def chosen_of(contents: Contents, request: BenchRequest) -> tuple[str, ...]:
    """Return the benchmarks that the request selects. Raises `UsageError` if it is none, `InvalidRunError` if none can be imported."""
    return choose(_names(contents, request), request.words, contents.broken)


def _names(contents: Contents, request: BenchRequest) -> tuple[str, ...]:
    if not contents.names and contents.broken:
        file, error = next(iter(contents.broken.items()))
        raise InvalidRunError(
            f"No benchmark can be imported: {file}: {error}",
            where=request.suite_text,
            remedy="Correct it, or add the packages that it imports to source-roots in [tool.harness]",
        )
    if not contents.names:
        listed = "; ".join(f"{file} {why}" for file, why in contents.aside.items())
        raise UsageError(
            f"The suite holds no benchmark{f': {listed}' if listed else ''}",
            where=request.suite_text,
            remedy="A benchmark is a pytest function with the argument or the mark `benchmark`, in a file test_*.py or bench_*.py",
        )
    return contents.names


def _measure(
    request: BenchRequest,
    variant: str,
    names: tuple[str, ...],
    contents: Contents,
    supervisor: Supervisor,
    talk: Talk,
    work: Work,
) -> None:
    directory = RunDirectory.create(request.out, "bench", variant, KIND)
    document = MicroDocument(
        suite=request.suite_text,
        variant=variant,
        started_at=started_now(),
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
        # A folder without a measurement is useless.
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
