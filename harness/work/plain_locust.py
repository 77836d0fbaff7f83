"""Plain Locust: make recorded users from the environment of a locustfile, and report each run in a line of Locust's log."""

# This imports Locust, which must come before anything that the target imports.
from harness.load.locust.run import LocustProcess  # isort: skip
import dataclasses
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import ExitCode, HarnessError
from harness.judge import policy_file
from harness.load.locust.log import LOG
from harness.load.locust.part import Runs
from harness.load.locust.recording import Called
from harness.model import Executor, Scenario, Stage
from harness.processes.loadrun import LoadPlan
from harness.processes.worker_reports import Head
from harness.profiling import waiting
from harness.redaction.redact import learn
from harness.redaction.visible import visible
from harness.run.directory import RunDirectory
from harness.run.documents import Profiles, RunDocument, WaitProfile
from harness.storage.stamps import started_now
from harness.units import format_ns
from harness.work.command_line import command_line
from harness.work.subjects import Selection, find_scenario, select

_SEED = 1


def user_of(environ: Mapping[str, str], events: Any) -> type[Any]:
    """Return the Locust user of `HARNESS_SCENARIO` and `HARNESS_TARGET`; its tests write runs into `HARNESS_OUT`.

    Raises `UsageError` for an unknown scenario or target.
    """
    learn(*sys.argv)
    scenario = find_scenario(environ.get("HARNESS_SCENARIO") or "closed")
    selection = select(environ.get("HARNESS_TARGET"), scenario, ())
    runs = _Runs(scenario, selection, Path(environ.get("HARNESS_OUT") or "runs"))
    process = LocustProcess(runs.described())
    process.attach(events)
    return process.user


class _Runs:
    """The runs of one locustfile."""

    def __init__(self, scenario: Scenario, selection: Selection, out: Path) -> None:
        # Locust has users, whatever the scenario's executor is. The scenario's stages are not driven.
        self._scenario = dataclasses.replace(
            scenario, executor=Executor.CLOSED, stages=(Stage("steady", 1.0),), find_users=False
        )
        self._selection = selection
        self._out = out
        self._thresholds = policy_file.thresholds(Path.cwd())

    def described(self) -> Runs:
        """Return the runs' description for the Locust process."""
        scenario, selection = self._scenario, self._selection
        parameters = selection.parameters(selection.variants[0])
        return Runs(
            called=Called(
                selection.entry.factory, parameters, scenario.operations, scenario.think_time_s, _SEED
            ),
            name=scenario.name,
            variant=selection.variants[0],
            backends=parameters.get("backends", "memory") if selection.entry.needs_servers else "none",
            out=self._out,
            plan=self._plan,
            document=self._document,
            finished=_finished,
        )

    def _plan(self, duration_s: float, users: int, workers: int) -> LoadPlan:
        return LoadPlan(
            scenario=self._scenario,
            rate_per_s=self._scenario.rate_per_s or 1.0,
            users=users,
            duration_s=duration_s,
            warmup_s=0.0,
            seed=_SEED,
            workers=workers,
        )

    def _document(self, plan: LoadPlan, head: Head) -> RunDocument:
        return RunDocument(
            scenario=self._scenario.name,
            target=self._selection.spec.shown,
            variant=self._selection.variants[0],
            seed=plan.seed,
            started_at=started_now(),
            command=command_line("locust"),
            plan=plan.facts(head.operations),
            thresholds=self._thresholds,
            environment=head.environment,
            # A killed process cannot report its state.
            profiles=Profiles(wait=WaitProfile(reason=waiting.LOST)),
        )


def _finished(directory: RunDirectory, document: RunDocument, stats: Any) -> ExitCode:
    """Write the histograms and the wait profile, report in one line the figures that Locust rounds, and judge the run."""
    # Workers do not need the modules that read runs, nor does a running test.
    from harness.reading.codes import validity_code
    from harness.reading.judging import judge
    from harness.reading.summary import load
    from harness.work.finished import add_wait_profile, write_histograms

    try:
        run = load(directory.path)
        write_histograms(run)
        add_wait_profile(run, document)
        directory.write(document)
        judged = judge(run)
    except HarnessError as error:
        LOG.error("harness: %s", error)
        return error.exit_code
    validity = judged.validity
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
    return validity_code([judged])


def _say_reasons(directory: RunDirectory, level: str, reasons: Sequence[str]) -> None:
    """Print the reasons for caution to stderr: Locust's log may go to a file, or be off."""
    sys.stderr.write(f"harness: The run in {visible(str(directory.path))} is {level}:\n")
    sys.stderr.writelines(f"harness:  - {visible(reason)}\n" for reason in reasons)
    sys.stderr.flush()


def _time(value_ns: float | None) -> str:
    return "unknown" if value_ns is None else format_ns(value_ns)
