"""Make recorded users for plain Locust from the environment of a locustfile: they call a target of the harness."""

# This imports Locust, which must come before anything that the target imports.
from harness.load.locust.run import LocustProcess  # isort: skip
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.judge import policy_file
from harness.load.locust.part import Present, Runs
from harness.load.locust.recording import Called
from harness.load.locust.steps import Carried
from harness.model import Scenario
from harness.processes.loadrun import LoadPlan
from harness.processes.worker_reports import Head
from harness.profiling import waiting
from harness.redaction.redact import learn
from harness.run.documents import Profiles, RunDocument, WaitProfile
from harness.storage.stamps import started_now
from harness.work.command_line import command_line
from harness.work.locust_runs import finish, plan_of
from harness.work.subjects import Selection, find_scenario, select

_SEED = 1


def user_of(environ: Mapping[str, str], events: Any, present: Present) -> type[Any]:
    """Return the Locust user of `HARNESS_SCENARIO` and `HARNESS_TARGET`; its tests write runs into `HARNESS_OUT`.

    `present` reports a run to people. Raises `UsageError` for an unknown scenario or target.
    """
    learn(*sys.argv)
    scenario = find_scenario(environ.get("HARNESS_SCENARIO") or "closed")
    selection = select(environ.get("HARNESS_TARGET"), scenario, ())
    runs = _Runs(scenario, selection, Path(environ.get("HARNESS_OUT") or "runs")).described()
    assert runs.called is not None  # noqa: S101 - just described
    process = LocustProcess(runs, present)
    process.attach(events)
    return process.user_of(runs.called)


class _Runs:
    """The runs of one locustfile."""

    def __init__(self, scenario: Scenario, selection: Selection, out: Path) -> None:
        # Locust has users, whatever the scenario's executor is. The scenario's stages are not driven.
        self._scenario = scenario
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
            finished=finish,
        )

    def _plan(self, carried: Carried) -> LoadPlan:
        return plan_of(self._scenario, carried, _SEED)

    def _document(self, plan: LoadPlan, head: Head, _environment: Any) -> RunDocument:
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
