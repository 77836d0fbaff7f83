"""Stores profile-only runs with the samples that a test names."""

import dataclasses

from harness.plans.span import Span
from harness.profiles.facts import CpuFacts
from harness.profiles.stacks.folded import Profile, write_folded
from harness.profiling import compared
from harness.profiling.document import ProfileDocument, ProfiledSide, Round, load, round_folder, write_sums
from harness.run.directory import RunDirectory
from harness.run.documents import CpuProfile, PlanFacts, Profiles
from reports.profile import view

SPAN = Span("steady", start_s=0, end_s=10, start_rate_per_s=10, end_rate_per_s=10)
FACTS = CpuFacts(
    rate_asked_hz=100, rate_got_hz=100.0, samples=300, torn=3, looks=1000, overhead_share=0.01,
    overhead_low_share=0.005, overhead_high_share=0.018, overhead_budget_share=0.02,
)  # fmt: skip
CALM, SLOWER = (100, 101, 99, 102, 100), (150, 151, 149, 152, 150)


@dataclasses.dataclass
class Made:
    """One side to be stored: samples of `slow` in each round, beside 200 of `same`."""

    label: str
    slow: tuple
    session: str = "one"
    reason: str = ""
    lost: tuple = ()
    name: str = "slow"


def store(folder, made):
    directory = RunDirectory.create(folder, "closed", made.label[:5])
    document = ProfileDocument(
        scenario="closed", target="m.py:create", variant=made.label, subject=made.label, seed=1,
        started_at="2026-03-01T10:00:00", command="harness profile closed --rounds 5", plan=plan(),
        environment={"machine": {"cpu": "Example"}}, session=made.session, kinds=["cpu"], rounds_planned=5,
    )  # fmt: skip
    for number, slow in enumerate(made.slow, 1):
        place = round_folder(directory, "cpu", number)
        place.mkdir(parents=True)
        stacks = {("operation:a", f"{made.name} (m.py)"): slow, ("operation:a", "same (m.py)"): 200 + number}
        write_folded(place / "cpu.folded", Profile("samples", stacks))
        facts = CpuProfile(file=f"cpu/round-{number:02d}/cpu.folded", facts=FACTS, requests={"a": 100})
        if made.reason and number in (made.lost or (number,)):
            facts = CpuProfile(reason=made.reason)
        document.rounds.append(Round(number=number, turn={"cpu": 0}, profiles=Profiles(cpu=facts)))
    document.status = "finished"
    directory.write(document)
    write_sums(ProfiledSide(directory, document))
    return directory


def plan():
    return PlanFacts(
        executor="closed", arrivals="uniform", rate_per_s=1, users=2, think_time_s=0, duration_s=10, warmup_s=0,
        in_flight_limit=10, drain_s=5, spans=(SPAN,), operations={},
    )  # fmt: skip


def shown(folder, *made):
    sides = [load(store(folder, one).path) for one in made]
    return view.build(sides, compared.tested(sides))
