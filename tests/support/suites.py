"""Suites of benchmarks as other projects write them, and what each command collects of them."""

import dataclasses
import textwrap
from pathlib import Path

from harness.judge.policy_file import read
from harness.micro.process import collect
from harness.session.receipt import Side
from harness.session.sides.prepare import prepare
from harness.session.sides.subjects import TreeSide, working_tree
from harness.session.slots import discovery
from harness.session.slots.block import Stage
from harness.session.slots.launch import Limits
from harness.supervise import Supervisor
from harness.work.suites import find_suite
from tests.support.little_projects import write

PACKAGE = {"src/pkg/__init__.py": "def work(count=100):\n    return sum(range(count))\n"}


def a_project(folder: Path, files: dict[str, str]) -> Path:
    """Return a project with a package in `src`, and these files."""
    return write(folder, {name: textwrap.dedent(text) for name, text in {**PACKAGE, **files}.items()})


def collected_by_bench(project: Path) -> set[str]:
    """Return what `harness bench` would measure."""
    with Supervisor() as supervisor:
        contents = collect(supervisor, find_suite(project, read(project)))
    assert contents.broken == {}
    return set(contents.names)


@dataclasses.dataclass(frozen=True)
class Surveyed:
    """What a session found on the candidate."""

    survey: discovery.Survey
    log: str

    @property
    def names(self) -> set[str]:
        return set(self.survey.files)

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each benchmark by its own name, with the reason where it was not measured."""
        return {
            name.rpartition("::")[2]: "measured" if ran.ns is not None else f"{ran.outcome}: {ran.why}"
            for name, ran in self.survey.ran.items()
        }


def surveyed(project: Path, base: Path | None = None, *, is_run: bool = True) -> Surveyed:
    """Return what `compare` and `gate` find of a project; its benchmarks are called a few times if `is_run`."""
    log = project.parent / "slots.log"
    candidate, policy = working_tree(project), read(project)
    other = TreeSide(f"path:{base}", base, None, "base") if base else candidate
    with Supervisor() as supervisor, prepare(other, candidate, policy, supervisor, log) as prepared:
        stage = Stage(supervisor, prepared.bench, prepared.homes, {}, log, Limits(start_s=60, ready_s=30))
        look = discovery.survey if is_run else discovery.listing
        found = look(stage, Side.CANDIDATE)
    assert not found.trouble, found.trouble
    assert found.errors == {}
    return Surveyed(found, log.read_text())
