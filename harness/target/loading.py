"""Import a target's factory, make the target, and give it one plain shape."""

import contextlib
import dataclasses
import importlib
import importlib.util
import inspect
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import RefusedError, TargetError
from harness.model import (
    DEFAULT_OPERATION,
    Closes,
    Counts,
    ExpectsStatuses,
    Instrumentable,
    MakesEvents,
    OffersOperations,
    Opens,
    RecordsSites,
    Wrap,
)
from harness.redaction.redact import learn_parameters
from harness.target.answers import EXPECT_STATUS, USUAL, Judge, judge_of, read_expected
from harness.target.refusals import check_factory, check_functions, ran


@dataclasses.dataclass(frozen=True, slots=True)
class LoadedTarget:
    """A target in one plain shape: a neutral stand-in replaces each optional method that the target lacks."""

    call: Callable[[Any], Any]
    operations: Mapping[str, float]
    make_event: Callable[[str, random.Random], Any]
    judge: Judge | None
    open: Callable[[], None]
    close: Callable[[], None]
    counters: Callable[[], Mapping[str, Mapping[str, int]]]
    instrument: Callable[[Wrap], None]
    record_sites: Callable[..., None]
    sites: Callable[[], Mapping[str, Mapping[str, Mapping[str, int]]]]
    file: str = ""
    """File of the factory's code with symbolic links resolved; empty if the factory is not written in Python."""


def append_current_folder() -> None:
    """Put the current folder, which holds the user's packages, last on the import path.

    A folder there named `reports` or `targets` must not hide the harness's own, nor modules of it imported later.
    """
    for package in ("reports", "scenarios", "targets"):
        # The last place is not enough: an editable install is searched only after the whole path.
        importlib.import_module(package)
    sys.path.append(os.getcwd())  # noqa: PTH109 - as Python itself writes it


@contextlib.contextmanager
def told(what: str, remedy: str) -> Iterator[None]:
    """Raise whatever the target's code raises in the block as a `TargetError`: `what`, then the exception.

    This includes a `BaseException` such as `CancelledError`. A `RefusedError` passes unchanged.
    """
    try:
        yield
    except (KeyboardInterrupt, RefusedError):
        raise
    except BaseException as error:
        raise TargetError(f"{what}: {type(error).__name__}: {error}", remedy=remedy) from error


def load_factory(text: str) -> Callable[..., Any]:
    """Import the factory at `path/to/file.py:factory` or `package.module:factory`.

    Raises `TargetError` if the file or module is missing or fails to import, or has no such function.
    """
    place, _, name = text.rpartition(":")
    with told(
        f"The target's module '{place}' cannot be imported",
        "Import it in a Python shell to see the full traceback",
    ):
        module = module_of_file(Path(place)) if place.endswith(".py") else module_by_name(place)
    factory = getattr(module, name, None)
    if not callable(factory):
        raise TargetError(f"'{place}' has no function '{name}'", remedy="Name the factory after the colon")
    return factory  # type: ignore[no-any-return]


def module_of_file(path: Path) -> ModuleType:
    """Import a Python file by its path. Raises whatever the import raises."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    # Modules beside the file must be importable, after all installed packages.
    sys.path.append(str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(f"_target_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Pickling, dataclasses and profilers look a module up by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def module_by_name(name: str) -> ModuleType:
    """Import a module by its name; the current folder is searched last. Raises whatever the import raises."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # The harness's own `targets/` or `reports/` comes first on the path: look for the user's file directly.
        own = Path(*name.split(".")).with_suffix(".py")
        if error.name is None or not name.startswith(error.name) or not own.is_file():
            raise
        return module_of_file(own)


def make(factory_text: str, parameters: Mapping[str, str]) -> LoadedTarget:
    """Import the factory, call it with `parameters`, and check what it returns.

    Raises `TargetError` for unknown or missing parameters, a factory that raises, a target without a callable `call`,
    and operations that are not names with positive weights. Raises `RefusedError` for an object that is not a factory
    or only promises work (an async function), without calling it if that can be seen beforehand.
    """
    # This process gets secrets in plain text: hide them in whatever the target prints later.
    learn_parameters(parameters)
    factory = load_factory(factory_text)
    parameters = dict(parameters)
    expected = parameters.pop(EXPECT_STATUS, None)
    check_factory(factory_text, factory, parameters)
    with told(f"The factory of target '{factory_text}' failed", "Correct the target or its parameters"):
        target = factory(**parameters)
    return dataclasses.replace(
        _shaped(factory_text, target),
        judge=judge_of(target, _expected(factory_text, target, expected)),
        file=_file_of(factory),
    )


def _expected(text: str, target: object, given: str | None) -> frozenset[int]:
    """Return the statuses that do not count as failures: those of the SPEC or the policy, else those of the target."""
    said = target.expected_statuses if isinstance(target, ExpectsStatuses) else ()
    try:
        return read_expected(said if given is None else given) or USUAL
    except ValueError as error:
        whose = (
            f"The expected_statuses of target '{text}'" if given is None else f"The SPEC's {EXPECT_STATUS}"
        )
        raise TargetError(
            f"{whose} cannot be read: {error}", remedy='Write {404} or ["200-399", 404]'
        ) from error


def _file_of(factory: Callable[..., Any]) -> str:
    try:
        return os.path.realpath(inspect.getfile(inspect.unwrap(factory)))
    except TypeError:
        return ""


def _shaped(text: str, target: Any) -> LoadedTarget:
    call = getattr(target, "call", None)
    if not callable(call):
        raise TargetError(
            f"The factory of target '{text}' returned {type(target).__name__}, which has no call(event)",
            remedy="Return an object with a method call(event)",
        )
    check_functions(text, target)
    operations = (
        _operations(text, target) if isinstance(target, OffersOperations) else {DEFAULT_OPERATION: 1.0}
    )
    check_mix(text, operations)
    return LoadedTarget(
        call=call,
        operations=operations,
        make_event=ran("make_event", target.make_event)
        if isinstance(target, MakesEvents)
        else lambda _operation, _rng: {},
        judge=None,
        open=ran("open", target.open) if isinstance(target, Opens) else _nothing,
        close=ran("close", target.close) if isinstance(target, Closes) else _nothing,
        counters=ran("counters", target.counters) if isinstance(target, Counts) else dict,
        instrument=ran("instrument", target.instrument)
        if isinstance(target, Instrumentable)
        else _no_instrument,
        record_sites=ran("record_sites", target.record_sites)
        if isinstance(target, RecordsSites)
        else _no_sites,
        sites=ran("sites", target.sites) if isinstance(target, RecordsSites) else dict,
    )


def _operations(text: str, target: OffersOperations) -> dict[str, float]:
    try:
        return dict(target.operations)
    except (TypeError, ValueError) as error:
        raise TargetError(
            f"The operations of target '{text}' are not a mapping of names to weights: {target.operations!r}",
            remedy='Write them like {"read": 3, "write": 1}',
        ) from error


def check_mix(owner: str, operations: Mapping[str, float]) -> None:
    """Raise `TargetError` for an empty mix, a name that is not text, or a weight that is not positive."""
    for name, weight in operations.items():
        if (
            not isinstance(name, str)
            or not name
            or not isinstance(weight, int | float)
            or not 0 < weight < 1e12
        ):
            raise TargetError(
                f"'{owner}' offers operation {name!r} with weight {weight!r}",
                remedy="Give each operation a name and a positive weight",
            )
    if not operations:
        raise TargetError(
            f"'{owner}' offers no operation", remedy="Name at least one, or remove `operations`"
        )


def _nothing() -> None:
    pass


def _no_instrument(_wrap: Wrap) -> None:
    pass


def _no_sites(*, on: bool) -> None:
    del on


def open_target(target: LoadedTarget) -> None:
    """Open the target. Raises `TargetError` if that fails."""
    with told(
        "The target could not be opened",
        "Correct the target, or check that the services it connects to are up",
    ):
        target.open()


@contextlib.contextmanager
def closing_target(target: LoadedTarget) -> Iterator[None]:
    """Close the target at the end of the block. Raises `TargetError` if that fails, unless the block has failed already."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(BaseException):
            target.close()
        raise
    with told(
        "The target could not be closed", "Correct its close(); the measurements before it are complete"
    ):
        target.close()
