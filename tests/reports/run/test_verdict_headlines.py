"""A headline says what went wrong before anything else, and what to do next is never more of it."""

import dataclasses
import io

import msgspec
import pytest

from harness.errors import ExitCode
from harness.judge.ablation import AblationRow
from harness.judge.verdict import Verdict
from harness.model import Outcome
from harness.profiles.facts import MemoryFacts
from harness.profiles.stacks.folded import Profile, write_folded
from harness.profiling import compared
from harness.profiling.document import FILES, load, round_folder
from harness.reading import microsummary, summary
from harness.reading.judging import judge
from harness.run.documents import MemoryProfile
from reports.ablation.view import build_ablation
from reports.micro import view as micro_view
from reports.profile import view as profile_view
from reports.run import html, text, view
from reports.session import view as session_view
from reports.session.comment import render_comment
from reports.session.model import Links
from reports.shared.model import Status
from tests.support import judgement_builder, profile_builder
from tests.support.micro_builder import entry, make_micro_run
from tests.support.run_builder import make_run

# 2,000 calls planned in 10 s. The interrupted run is over after 4 s.
INTERRUPTED = {"interrupted": True, "ended_s": 4.0, "never_share": 0.6}
FAILING = {"fail_share": 0.07}


@pytest.fixture
def shown(tmp_path):
    def build(*specs):
        return view.build([judge(summary.load(make_run(tmp_path, **spec))) for spec in specs])

    return build


def test_a_run_without_trouble_is_headed_by_its_times_and_may_be_asked_for_more(shown):
    made = shown({"profiles": {"cpu": {}}})
    assert made.verdict.sentence.startswith("baseline kept up with 200/s: ")
    assert made.verdict.sentence.endswith("; no call failed.")
    assert made.verdict.status is Status.GOOD
    assert "--rate 400" in made.next_command.command


@pytest.mark.parametrize(
    ("spec", "beginning", "next_words"),
    [
        (INTERRUPTED, "Interrupted after 4 s of 10 s: baseline completed ", "--rate 200 --duration 10s"),
        ({**INTERRUPTED, "ended_s": 0.0}, "Interrupted before the measured time began: ", "--rate 200 --duration 10s"),
        (INTERRUPTED | FAILING, "Interrupted after 4 s of 10 s, ", "--rate 200 --duration 10s"),
        (FAILING, "6.7 % errors (134 of 2,000): baseline completed only 187/s of the planned 200/s, ", "--rate 100 --duration 10s"),
        ({"timeout_share": 0.02}, "1.1 % errors (22 of 2,000, 22 timed out): ", "--rate 100 --duration 10s"),
        ({"dropped_share": 0.02}, "1.1 % not completed (22 of 2,000): ", "--rate 100 --duration 10s"),
        ({"dropped_share": 0.3}, "29.8 % not completed (597 of 2,000): baseline completed only ", "--rate 100 --duration 10s"),
        ({"outcome": Outcome.FAILED}, "100 % errors (2,000 of 2,000): baseline gives no usable", "--rate 1 --duration 5s"),
        ({"harness_lag_ms": 8.0}, "baseline gives no usable numbers: ", "harness doctor"),
        ({**FAILING, "executor": "closed"}, "6.7 % errors (134 of 2,000): baseline gave 187/s to 8 users, ", "--users 4 --duration 10s"),
    ],
    ids=["interrupted", "in warm-up", "interrupted, failing", "failing", "timed out", "dropped", "did not keep up",
         "all failed", "invalid", "closed"],
)  # fmt: skip
@pytest.mark.usefixtures("no_figures")
def test_what_went_wrong_comes_first_and_the_next_step_asks_for_no_more_of_it(
    shown, spec, beginning, next_words
):
    made = shown({"profiles": {"cpu": {}}, "variant": "baseline", **spec})
    sentence, command = made.verdict.sentence, made.next_command.command
    assert sentence.startswith(beginning)
    assert "kept up" not in sentence
    assert next_words in command
    assert "--rate 400" not in command
    assert "--users 16" not in command
    assert made.verdict.status is not Status.GOOD
    out = io.StringIO()
    text.render(made, out, 2000)
    for page in (html.render(made), out.getvalue()):
        assert sentence in page


@pytest.mark.parametrize("spec", [FAILING, {"timeout_share": 0.02}, {"outcome": Outcome.FAILED}])
def test_where_calls_failed_no_sentence_says_that_none_did(shown, spec):
    made = shown(spec)
    assert "no call failed" not in " ".join((made.verdict.sentence, *made.verdict.points))


def test_errors_are_counted_beside_their_share_and_those_that_timed_out_are_told(shown):
    verdict = shown({"timeout_share": 0.5, "fail_share": 0.25}).verdict
    words, _, _ = verdict.sentence.partition(": ")
    share, _, counts = words.partition(" % errors (")
    failed, of, timed_out = _counts(counts)
    assert float(share) == pytest.approx(100 * failed / of, rel=0.01)
    assert 0 < timed_out < failed < of == 2000


def _counts(words):
    """Return the numbers of `1,500 of 2,000, 1,000 timed out)`."""
    failed, _, rest = words.partition(" of ")
    of, _, rest = rest.partition(", ")
    timed_out, _, _ = rest.partition(" timed out)")
    return (int(part.replace(",", "")) for part in (failed, of, timed_out))


def test_of_two_runs_the_trouble_of_each_comes_before_what_is_compared(shown):
    made = shown(
        {"profiles": {"cpu": {}}}, {"variant": "optimised", **INTERRUPTED}, {"variant": "third", **FAILING}
    )
    first, second, rest = made.verdict.sentence.split(". ", 2)
    assert first.startswith("optimised: interrupted after 4 s of 10 s")
    assert second.startswith("third: 6.7 % errors (134 of 2,000)")
    assert "baseline" in rest
    assert made.next_command.command.endswith(
        "--rate 200 --duration 10s --variant baseline --variant optimised --variant third"
    )


def test_runs_that_cannot_be_compared_tell_their_trouble_all_the_same(shown):
    made = shown({}, {"variant": "optimised", "rate_per_s": 100.0, **INTERRUPTED})
    assert made.verdict.sentence.startswith("optimised: interrupted after 4 s of 10 s. These 2 runs cannot")


def test_an_interrupted_comparison_is_headed_as_one_and_leads_to_the_rest_of_it():
    judged = judgement_builder.judgement(judgement_builder.paired(), code=ExitCode.INTERRUPTED)
    made = session_view.build(judged, judgement_builder.receipt(), Links())
    assert made.sentence.startswith("Interrupted before its end: ")
    assert "\n## Performance: interrupted, ok so far\n" in render_comment(made)
    assert "--budget 10m" in made.next_command.command


def test_an_interrupted_ablation_is_headed_as_one():
    row = AblationRow("l1", "GET /a", "wall", 0.5, 0.4, 0.6, Verdict.REGRESSED)
    made = build_ablation([row], ended_early="Interrupted after 1 of 34 sessions")
    assert made.sentence.startswith("Interrupted after 1 of 34 sessions: of 1 switch ")
    assert made.next_command.command == "harness ablate"


def test_an_interrupted_bench_run_is_headed_as_one_and_leads_to_the_whole(tmp_path):
    path = make_micro_run(
        tmp_path, entry("test_a.py::test_one"), planned=["test_a.py::test_one", "b"], interrupted=True
    )
    made = micro_view.build([microsummary.load(path)])
    assert made.sentence == "Interrupted: measured 1 of 2 benchmarks of optimised."
    assert made.next_command.command == "harness bench"


def test_profiles_of_an_interrupted_run_or_of_calls_that_failed_say_so_first(tmp_path):
    made = profile_builder.Made("before", profile_builder.CALM)
    other = dataclasses.replace(made, label="after", slow=profile_builder.SLOWER)
    sides = [load(profile_builder.store(tmp_path, one).path) for one in (made, other)]
    sides[0].document.interrupted, sides[0].document.rounds_planned = True, 7
    last = sides[1].document.rounds[-1]
    memory = MemoryProfile(file="memory/memory.folded", facts=MemoryFacts(failed=3), requests={"a": 100})
    failing = msgspec.structs.replace(last.profiles, memory=memory)
    place = round_folder(sides[1].directory, "memory", last.number)
    place.mkdir(parents=True)
    for name in FILES["memory"]:
        write_folded(place / f"{name}.folded", Profile("bytes", {("operation:a", "f (m.py)"): 1}))
    sides[1].document.rounds[-1] = msgspec.structs.replace(last, profiles=failing)
    sides[1].document.kinds.append("memory")

    def told(*some):
        return profile_view.build(some, compared.tested(some))

    both, failed = told(*sides), told(sides[1])
    assert both.sentence.startswith(
        "before was interrupted after 5 of 7 rounds. after had 3 calls that failed. "
    )
    assert both.next_command.command == "harness profile closed --rounds 5"
    assert failed.sentence.startswith("after had 3 calls that failed. ")
    assert failed.next_command.why == "see which calls fail, and why"
    assert failed.status is Status.CAUTION
