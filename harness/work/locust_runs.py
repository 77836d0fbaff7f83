"""Finish the runs that plain Locust drove: from the load that it put on to a plan, and from a run to an exit code."""

# Locust's modules monkey-patch, so they come before all others.
from harness.load.locust.log import LOG  # isort: skip
import dataclasses
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from harness.errors import ExitCode, HarnessError
from harness.load.locust.steps import Carried
from harness.model import Executor, Scenario, Stage
from harness.processes.loadrun import LoadPlan
from harness.redaction.visible import visible
from harness.run.directory import RunDirectory
from harness.run.documents import RunDocument
from harness.units import format_ns

RAMP_UP = Stage("ramp-up", 1.0, warmup=True)


def plan_of(scenario: Scenario, carried: Carried, seed: int) -> LoadPlan:
    """Return the plan that Locust carried out: the ramp-up as its warm-up, and the steps of the users as its stages."""
    ramp = (RAMP_UP,) if carried.ramp_s else ()
    return LoadPlan(
        scenario=dataclasses.replace(
            scenario, executor=Executor.CLOSED, stages=(*ramp, *carried.stages), find_users=False
        ),
        rate_per_s=scenario.rate_per_s or 1.0,
        users=carried.users,
        duration_s=carried.duration_s,
        warmup_s=carried.ramp_s,
        seed=seed,
        workers=carried.workers,
    )


def finish(directory: RunDirectory, document: RunDocument, environment: Any) -> ExitCode:
    """Write what is computed from the calls, report in one line the figures that Locust rounds, and judge the run."""
    # Workers do not need the modules that read runs, nor does a running test.
    from harness.reading.codes import exit_code
    from harness.reading.judging import judge
    from harness.reading.limits import call_limits, check_operations
    from harness.reading.locustfile import remarks
    from harness.reading.summary import load
    from harness.work.finished import add_wait_profile, write_histograms

    try:
        run = load(directory.path)
        write_histograms(run)
        document.remarks = remarks(run)
        if document.profiles.wait is not None:
            add_wait_profile(run, document)
        directory.write(document)
        check_operations(call_limits(document.slos), run.operations)
        judged = judge(run)
        code = exit_code([judged])
    except HarnessError as error:
        LOG.error("harness: %s", error)
        return error.exit_code
    validity, stats = judged.validity, environment.stats
    response = run.total.percentiles("response_ns")
    names = ("p50", "p95", "p99")
    ours = ", ".join(f"{name} {_time(response[name])}" for name in names)
    locusts = " / ".join(
        f"{stats.total.get_response_time_percentile(share) or 0:g}" for share in (0.5, 0.95, 0.99)
    )
    LOG.info(
        "harness: %s calls returned, response %s (Locust's own, rounded: %s ms); the run is %s. "
        "Next: harness report %s",
        f"{run.total.count:,}", ours, locusts, validity.level, shlex.quote(str(directory.path)),
    )  # fmt: skip
    if validity.reasons:
        _say_reasons(directory, validity.level, validity.reasons)
    return code


def _say_reasons(directory: RunDirectory, level: str, reasons: Sequence[str]) -> None:
    """Print the reasons for caution to stderr: Locust's log may go to a file, or be off."""
    sys.stderr.write(f"harness: The run in {visible(str(directory.path))} is {level}:\n")
    sys.stderr.writelines(f"harness:  - {visible(reason)}\n" for reason in reasons)
    sys.stderr.flush()


def _time(value_ns: float | None) -> str:
    return "unknown" if value_ns is None else format_ns(value_ns)
