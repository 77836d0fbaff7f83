"""Carry out `harness profile`: profile each side in rounds, each profile in a separate process, the sides in random order."""

import dataclasses
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness import environment
from harness.console.console import Talk
from harness.errors import HarnessError
from harness.policy.build import Build
from harness.policy.policy import Policy
from harness.processes.loadrun import LoadPlan
from harness.processes.subject import Subject
from harness.profiling.document import KIND, ProfileDocument, ProfiledSide, Round, round_folder, write_sums
from harness.profiling.runs import Sampling, next_sampling, record_cpu, record_memory, record_wait
from harness.profiling.turns import Turns
from harness.run.directory import RunDirectory
from harness.run.documents import AnyProfile
from harness.session.sides.builds import Builder
from harness.storage.stamps import started_now
from harness.supervise import Supervisor, private_folder
from harness.units import format_duration
from harness.work.ended import Work
from harness.work.preparing import Find, prepared
from harness.work.profile_sides import ProfileSide, code_of
from harness.work.servers import Backends, data_of, provide

_LAUNCH_S = 4.0
"""Time that a process of either kind takes beyond its plan, for the forecast, in s."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileRequest:
    """The checked request of the user."""

    sides: tuple[ProfileSide, ...]
    plan: LoadPlan
    find: Find
    kinds: tuple[str, ...]
    rounds: int
    sampling: Sampling
    backends: str
    out: Path
    command: str
    policy: Policy
    build: Build | None = None

    @property
    def seconds(self) -> float:
        """Approximate duration, in s."""
        load_s = _LAUNCH_S + self.plan.warmup_s + self.plan.duration_s
        each_s = sum(_LAUNCH_S if kind == "memory" else load_s for kind in self.kinds)
        return self.rounds * len(self.sides) * each_s


def carry_out(request: ProfileRequest, talk: Talk) -> Work:
    """Profile every side. Ctrl-C ends the work cleanly and keeps the complete rounds.

    An error before any profile is raised; a later one is kept beside the rounds.
    """
    work = Work()
    profilings: list[_Profiling] = []
    session = secrets.token_hex(8)
    for side in request.sides:
        directory = RunDirectory.create(request.out, request.plan.scenario.name, side.folder_word, KIND)
        profilings.append(_Profiling(request, side, directory, session))
    try:
        with work.measuring(lambda: any(one.document.rounds for one in profilings)) as supervisor:
            _carry_out(request, profilings, supervisor, talk)
    finally:
        for one in profilings:
            if one.close(interrupted=work.interrupted, error=work.error):
                work.directories.append(one.directory)
    return work


def _carry_out(
    request: ProfileRequest, profilings: list["_Profiling"], supervisor: Supervisor, talk: Talk
) -> None:
    target = request.sides[-1].selection
    with (
        private_folder() as scratch,
        code_of(
            request.sides, request.policy, supervisor, scratch / "prepare.log",
            Builder.of(request.build, supervisor, talk.say),
        ) as places,
        provide(
            request.backends, supervisor, profilings[0].directory.servers, talk, data_of(target.spec)
        ) as backends,
    ):  # fmt: skip
        plan = prepared(target, request.plan, request.find, supervisor, backends, talk)
        subjects = {side: side.subject(backends, places[side]) for side in request.sides}
        for one in profilings:
            one.begin(plan, backends)
        profiles = len(request.sides) * request.rounds
        what = " and ".join(f"{profiles} {kind}" for kind in request.kinds)
        in_turns = ", the sides in random order" if len(request.sides) > 1 else ""
        talk.say(f"{what} profiles{in_turns}: about {format_duration(max(1, round(request.seconds)))}.")
        turns = Turns(profilings, request.plan.seed)
        for number in turns.rounds(request.rounds):
            _round(number, profilings, subjects, turns, supervisor, backends, talk)


def _round(
    number: int,
    profilings: list["_Profiling"],
    subjects: Mapping[ProfileSide, Subject],
    turns: Turns["_Profiling"],
    supervisor: Supervisor,
    backends: Backends,
    talk: Talk,
) -> None:
    """Make one round of all sides; it is kept only if every side completed it."""
    kinds = profilings[0].document.kinds
    made: dict[ProfileSide, Round] = {one.side: Round(number=number) for one in profilings}
    for kind in kinds:
        for turn, one in enumerate(turns.order()):
            backends.forget()
            facts = one.profile(kind, number, subjects[one.side], supervisor, talk)
            found = made[one.side]
            made[one.side] = msgspec.structs.replace(
                found,
                turn={**found.turn, kind: turn},
                profiles=msgspec.structs.replace(found.profiles, **{kind: facts}),
            )
    for one in profilings:
        one.keep(made[one.side])


class _Profiling:
    """One side while it is profiled: its document, and the sampling rate within its budget."""

    def __init__(
        self, request: ProfileRequest, side: ProfileSide, directory: RunDirectory, session: str
    ) -> None:
        self.side = side
        self.directory = directory
        self._request = request
        self._sampling = request.sampling
        self._plan = request.plan
        self.document = ProfileDocument(
            scenario=request.plan.scenario.name,
            target=side.selection.spec.shown,
            variant=side.variant,
            subject=side.label,
            seed=request.plan.seed,
            started_at=started_now(),
            command=request.command,
            plan=request.plan.facts({}),
            environment={},
            session=session,
            kinds=list(request.kinds),
            rounds_planned=request.rounds,
        )

    def begin(self, plan: LoadPlan, backends: Backends) -> None:
        """Write the planned work into the document."""
        self._plan = plan
        self.document.plan = plan.facts({})
        self.document.environment = {**environment.collect(), "backends": backends.kind}
        self.directory.write(self.document)

    def profile(
        self, kind: str, number: int, subject: Subject, supervisor: Supervisor, talk: Talk
    ) -> AnyProfile:
        """Make one profile. Raises `HarnessError` where the target cannot be made or does not fit."""
        folder = round_folder(self.directory, kind, number)
        what = f"{kind} profile {number} of {self._request.rounds}: {self.side.label}"
        if kind == "memory":
            talk.say(f"{what} …")
            facts = record_memory(
                supervisor, subject, self._plan, folder, follow_fork=self._sampling.children
            )
            return _placed(facts, folder, self.directory)
        with talk.progress(what, self._plan.duration_s, self._plan.warmup_s) as tick:
            if kind == "wait":
                waited = record_wait(supervisor, subject, self._plan, folder, tick)
                return _placed(waited, folder, self.directory)
            sampled = record_cpu(supervisor, subject, self._plan, folder, tick, self._sampling)
        self._sampling = next_sampling(self._sampling, sampled.facts)
        return _placed(sampled, folder, self.directory)

    def keep(self, made: Round) -> None:
        """Add a complete round; it is stored before the next begins."""
        self.document.rounds.append(made)
        self.directory.write(self.document)

    def close(self, *, interrupted: bool, error: HarnessError | None) -> bool:
        """Write the end and the sums of all rounds; without a round, leave nothing and return False."""
        if not self.document.rounds:
            self.directory.discard()
            return False
        self.document.status = "finished"
        self.document.interrupted = interrupted
        self.document.trouble = [str(error)] if error else []
        self.directory.write(self.document)
        write_sums(ProfiledSide(self.directory, self.document))
        return True


def _placed(facts: AnyProfile, folder: Path, directory: RunDirectory) -> AnyProfile:
    """Return the facts with the path of the file relative to the run directory."""
    if facts.file is None:
        return facts
    file = (folder / Path(facts.file).name).relative_to(directory.path)
    return msgspec.structs.replace(facts, file=str(file))
