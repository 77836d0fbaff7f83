"""Import a user's own scenario, a `harness.model.Scenario`, at `path/to/file.py:NAME` or `package.module:NAME`."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError
from harness.model import Scenario, Stage
from harness.reading.limits import read_limit
from harness.target.importing import append_current_folder, module_by_name, module_of_file

_EXAMPLE = (
    "Make it like Scenario('mine', 'what it measures', stages=(Stage('steady', 1.0),), rate_per_s=50.0)"
)


def own_scenario(place: str) -> Scenario:
    """Return the scenario, named as it was requested.

    Raises `UsageError` if it cannot be imported, is no scenario, or could not be run.
    """
    module_name, _, name = place.rpartition(":")
    append_current_folder()
    try:
        is_file = module_name.endswith(".py")
        module = module_of_file(Path(module_name)) if is_file else module_by_name(module_name)
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"The scenario's module '{module_name}' cannot be imported: {type(error).__name__}: {error}",
            remedy="Name your own scenario as path/to/file.py:NAME or package.module:NAME",
        ) from error
    found = getattr(module, name, None)
    if not isinstance(found, Scenario):
        raise UsageError(f"'{module_name}' has no scenario '{name}'", where=place, remedy=_EXAMPLE)
    for why in _faults(found):
        raise UsageError(f"Scenario '{place}' cannot be run: {why}", remedy=_EXAMPLE)
    return dataclasses.replace(found, name=place)


def _faults(scenario: Scenario) -> Iterator[str]:
    """Yield the faults that make it impossible to run, in order; total for any values in the fields."""
    if not all(isinstance(stage, Stage) for stage in scenario.stages) or all(
        s.warmup for s in scenario.stages
    ):
        yield "its stages are not a tuple of Stage, at least one of them measured"
        return
    for stage in scenario.stages:
        yield from _faults_of_stage(stage)
    flags = [stage.warmup for stage in scenario.stages]
    if flags != sorted(flags, reverse=True):
        yield "a stage of warm-up comes after one that is measured"
    if not all(_is_number(weight) and weight > 0 for weight in scenario.operations.values()):
        yield "the weight of an operation is not above zero"
    for name in ("duration_s", "warmup_s", "think_time_s", "rate_per_s"):
        value = getattr(scenario, name)
        if not (name == "rate_per_s" and value is None) and not (_is_number(value) and value >= 0):
            yield f"{name} is not a number from zero"
    if not isinstance(scenario.users, int) or scenario.users < 1:
        yield "it has no users"


def _faults_of_stage(stage: Stage) -> Iterator[str]:
    if not _is_number(stage.share) or not stage.share > 0:
        yield f"the share of stage '{stage.label}' is not above zero"
    if not all(_is_number(rate) and rate >= 0 for rate in (stage.start, stage.end)):
        yield f"stage '{stage.label}' has a rate that is not a number from zero"
    if stage.slo:
        read_limit(stage.slo)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
