"""`harness profile`: what it is asked for, what it refuses, and what it leaves when it is interrupted."""

import argparse
import json
import signal

import pytest

from harness.cli import main
from harness.commands.options.shared import budget_share
from harness.errors import ExitCode
from harness.policy.policy import Policy
from harness.profiles.difference.frames import ProfiledRun
from harness.profiles.stacks.folded import Profile
from harness.profiling.document import load, together
from harness.work.profile_sides import sides_of
from scenarios.catalogue import SCENARIOS
from tests.support.cli import end_of, inside, started, until

NOOP = ("--target", "known:noop")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("profile", "nowhere"), "There is no scenario 'nowhere'"),
        (("profile", "steady", "--kinds", "disk"), "there is no profile 'disk'"),
        (("profile", "steady", "--workers", "2"), "A profile covers one process"),
        (("profile", "steady", "--target", "http://127.0.0.1:9"), "harness's own HTTP client"),
        (("run", "steady", "--profile", "cpu", "--target", "http://127.0.0.1:9"), "harness's own HTTP client"),
        (("profile", "steady", "--overhead-budget", "2"), "give a percentage"),
        (("profile", "steady", *NOOP, "--base", "variant:a"), "is not a base for profiles"),
        (("profile", "steady", *NOOP, "--base", "target:"), "is not a base for profiles"),
        (("profile", "steady", *NOOP, "--base", "path:/no/such/folder"), "is not a folder"),
        (("profile", "steady", "--target", "mine.py:create", "--variant", "a", "--variant", "b", "--variant", "c"),
         "not 3"),
        (("profile", "steady", "--target", "m.py:create", "--variant", "a", "--variant", "b", "--base", "target:known:noop"),
         "--base and two variants make three sides"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_sentence_and_leaves_nothing(
    words, sentence, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(words) == ExitCode.USAGE
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "share"), [("2%", 0.02), ("0.5%", 0.005), ("100%", 1.0)])
def test_a_budget_is_a_percentage(text, share):
    assert budget_share(text) == share


@pytest.mark.parametrize("text", ["2", "0%", "-1%", "101%", "nan%", "%", "a%"])
def test_what_is_no_percentage_is_no_budget(text):
    with pytest.raises(argparse.ArgumentTypeError):
        budget_share(text)


def test_one_variant_is_one_side_and_the_first_of_two_is_the_base(tmp_path):
    def labels(variants, base=None):
        sides = sides_of("m.py:create", variants, base, SCENARIOS["steady"], Policy(), tmp_path)
        return [side.label for side in sides]

    assert labels(["a"]) == ["a"]
    assert labels(["a", "b"]) == ["a", "b"]
    assert labels([]) == ["m.py:create"]
    assert labels([], "target:known:noop") == ["known:noop", "m.py:create"]
    assert labels(["a"], f"path:{tmp_path}")[1] == "the working tree"


def test_a_target_that_cannot_be_made_is_its_own_error_and_leaves_no_directory(tmp_path):
    (tmp_path / "bad.py").write_text("def create():\n    raise RuntimeError('no such thing')\n")
    said = inside(tmp_path, "profile", "steady", "--target", "bad.py:create", "--duration", "1s")
    assert said.code == ExitCode.USAGE
    assert "no such thing" in said.error
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.measures
def test_a_budget_that_is_exceeded_lowers_the_rate_and_the_cost_is_said_beside_it(tmp_path):
    said = inside(
        tmp_path,
        "profile", "closed", "--target", "known:spin?spin_us=1000", "--users", 1, "--kinds", "cpu", "--rounds", 2,
        "--warmup", "100ms", "--duration", "2s", "--hz", 1000, "--overhead-budget", "0.1%", "--out", "runs", "--json",
    )  # fmt: skip
    assert said.code == ExitCode.OK
    (run,) = said.document["runs"]
    first, last = run["profiles"]["cpu"]
    assert last["rate_asked_hz"] < 1000
    assert first["overhead_budget_share"] == last["overhead_budget_share"] == 0.001
    assert "the budget of 0.1 %" in said.stderr


def test_waits_are_profiled_in_rounds_by_operation_per_request(tmp_path):
    said = inside(
        tmp_path,
        "profile", "closed", "--target", "known:constant?service_ms=5", "--base", "target:known:constant?service_ms=20",
        "--users", 2, "--kinds", "wait", "--rounds", 2, "--warmup", "100ms", "--duration", "700ms", "--out", "runs", "--json",
    )  # fmt: skip
    assert said.code == ExitCode.OK
    for run in map(load, (tmp_path / "runs").iterdir()):
        planted_ns = 1e6 * float(run.document.target.partition("service_ms=")[2])
        rounds = run.rounds("wait", "wait")
        assert rounds
        for one in rounds:
            assert one.profile.unit == "ns"
            # A sleep is never shorter than asked for.
            assert one.profile.total / sum(one.requests.values()) >= planted_ns
            assert any("targets/known.py" in stack[-1] for stack in one.profile.stacks)
        assert (run.directory.path / "wait" / "wait.folded").exists()
    assert "Waiting" in (tmp_path / said.document["report"]).read_text()


def test_an_interruption_keeps_the_rounds_that_are_whole(tmp_path):
    words = ["profile", "closed", *NOOP, "--kinds", "memory", "--rounds", 1000, "--out", tmp_path, "--json"]
    with started(*words) as process:
        document = until(lambda: _with_rounds(tmp_path), process)
        process.send_signal(signal.SIGINT)
        said = end_of(process)
    assert said.code == ExitCode.INTERRUPTED
    (run,) = said.document["runs"]
    assert run["interrupted"] is True
    assert 1 <= run["rounds"] < 1000
    stored = load(document.parent)
    assert stored.document.status == "finished"
    assert len(stored.rounds("memory", "leaks")) == run["rounds"]
    assert inside(tmp_path, "clean", "--out", tmp_path, "--older-than", "0s").code == ExitCode.OK
    assert list(tmp_path.iterdir()) == []


def _with_rounds(out):
    for path in out.glob("*/run.json"):
        if json.loads(path.read_text()).get("rounds"):
            return path
    return None


def test_rounds_together_have_the_weight_per_request_of_all_of_them():
    def run(samples, requests, ns):
        return ProfiledRun(Profile("samples", {("operation:a", "f"): samples}), {"a": requests}, ns)

    both = together([run(100, 10, 2.0), run(10, 30, 1.0)])
    # 110 samples over exposures of 5 and 30 requests by ns.
    assert 110 * both.per_weight / both.requests["a"] == pytest.approx(110 / 35)


def test_what_is_held_at_one_moment_is_the_mean_of_the_rounds():
    peaks = [ProfiledRun(Profile("bytes", {("a",): weight}), {"": 1}) for weight in (10, 30)]
    assert together(peaks).profile.stacks == {("a",): 20}
    with pytest.raises(ValueError, match="needs a round"):
        together([])
