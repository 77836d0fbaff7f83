"""A finished session to a person and an exit code: which card it shows, and what is only reported."""

import io
import json

import msgspec
import pytest
from rich.console import Console

from harness.calibrate.card import make_card, write_card
from harness.calibrate.digest import gate_digest
from harness.commands.showing.session import card_for, only_reported, present
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.judge.verdict import Verdict
from harness.policy.policy import Policy
from harness.work.judging import JudgedSession
from tests.support.calibration import outcome
from tests.support.judgement_builder import judgement, paired, receipt

HERE = {"cpu": "Example CPU", "cores": 2, "packages": {"boto3": "1.40.0"}}
POLICY = Policy(card="calibration.json")


@pytest.fixture
def said():
    return io.StringIO()


@pytest.fixture
def talk(said):
    talk = Talk()
    talk.console = Console(file=said, soft_wrap=True, width=200)
    return talk


def keep_card(folder, gate=None, **environment):
    gate = gate or gate_digest()
    card = make_card([outcome("same", gate=gate)], gate, HERE | environment, ["same"])
    write_card(folder / "calibration.json", card)
    return card


def test_the_card_of_this_machine_is_shown(tmp_path, talk):
    card = keep_card(tmp_path)
    assert card_for(receipt(environment=HERE), POLICY, tmp_path, talk) == card


def test_other_packages_leave_the_machine_what_it_is(tmp_path, talk):
    card = keep_card(tmp_path, packages={"boto3": "1.41.0"})
    assert card_for(receipt(environment=HERE), POLICY, tmp_path, talk) == card


def test_the_card_of_another_machine_says_nothing_of_this_one(tmp_path, talk):
    keep_card(tmp_path, cpu="Another CPU")
    assert card_for(receipt(environment=HERE), POLICY, tmp_path, talk) is None


def test_the_card_of_another_state_of_the_gate_says_nothing_and_the_report_says_that_it_is_not_calibrated(
    tmp_path, talk
):
    keep_card(tmp_path, gate="before")
    judged_receipt = receipt(environment=HERE, policy={"card": "calibration.json"})
    assert card_for(judged_receipt, POLICY, tmp_path, talk) is None
    session = JudgedSession(judged_receipt, tmp_path / "receipt.json", POLICY, judgement(paired("work")))
    present(session, talk, project=tmp_path)
    assert "not calibrated on this machine yet" in (tmp_path / "report.html").read_text()
    keep_card(tmp_path)
    present(session, talk, project=tmp_path)
    assert "not calibrated" not in (tmp_path / "report.html").read_text()


def test_of_a_folder_of_cards_that_of_this_machine_is_shown(tmp_path, talk):
    folder = tmp_path / "cards"
    folder.mkdir()
    cards = {}
    for name in ("a-first", "this one", "z-last"):
        machine = HERE if name == "this one" else HERE | {"cpu": name}
        cards[name] = make_card([outcome("same", gate=gate_digest())], gate_digest(), machine, ["same"])
        write_card(folder / f"{name}.json", cards[name])
    policy = Policy(card="cards")
    assert card_for(receipt(environment=HERE), policy, tmp_path, talk) == cards["this one"]
    (folder / "this one.json").unlink()
    assert card_for(receipt(environment=HERE), policy, tmp_path, talk) is None


def test_a_damaged_card_is_said_and_stops_nobody(tmp_path, talk, said):
    (tmp_path / "calibration.json").write_text("{")
    assert card_for(receipt(environment=HERE), POLICY, tmp_path, talk) is None
    assert "card is damaged" in said.getvalue()


def test_without_a_card_nothing_is_said(tmp_path, talk, said):
    assert card_for(receipt(), POLICY, tmp_path, talk) is None
    assert card_for(receipt(), Policy(), tmp_path, talk) is None
    assert said.getvalue() == ""


def shown(tmp_path, talk, code, **options):
    verdicts = {ExitCode.OK: Verdict.OK, ExitCode.LIMIT_BROKEN: Verdict.REGRESSED}
    verdict = verdicts.get(code, Verdict.INVALID)
    judged = judgement(paired("work", verdict, 0.05), verdict=verdict, code=code)
    session = JudgedSession(receipt(environment=HERE), tmp_path / "receipt.json", POLICY, judged)
    return present(session, talk, project=tmp_path, **options)


def test_every_format_lies_beside_the_receipt(tmp_path, talk, said):
    assert shown(tmp_path, talk, ExitCode.LIMIT_BROKEN) is ExitCode.LIMIT_BROKEN
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.html",
        "comment.md",
        "junit.xml",
        "metrics.txt",
    }
    assert f"Report: {tmp_path / 'report.html'}" in said.getvalue()


def test_the_summary_of_a_github_job_gets_the_comment_and_no_verdict_depends_on_it(
    tmp_path, talk, said, monkeypatch
):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    shown(tmp_path, talk, ExitCode.LIMIT_BROKEN)
    assert summary.read_text() == "before\n" + (tmp_path / "comment.md").read_text()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert shown(tmp_path, talk, ExitCode.LIMIT_BROKEN) is ExitCode.LIMIT_BROKEN
    assert "summary of this job cannot be written" in said.getvalue()


def test_the_next_command_can_be_typed_where_the_last_one_was(tmp_path, talk, capsys):
    shown(tmp_path, talk, ExitCode.LIMIT_BROKEN)
    assert f"harness judge {tmp_path / 'receipt.json'}" in capsys.readouterr().out.replace("\n  ", " ")
    assert f"Full report: `{tmp_path / 'report.html'}`" in (tmp_path / "comment.md").read_text()


def test_the_card_stands_in_the_report(tmp_path, talk):
    keep_card(tmp_path)
    shown(tmp_path, talk, ExitCode.OK)
    assert "How often this gate is right" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("code", "ends_with"),
    [
        (ExitCode.OK, ExitCode.OK),
        (ExitCode.LIMIT_BROKEN, ExitCode.OK),
        (ExitCode.INVALID, ExitCode.OK),
        (ExitCode.INTERRUPTED, ExitCode.INTERRUPTED),
    ],
)
def test_what_is_only_reported_succeeds_unless_it_was_interrupted(talk, said, code, ends_with):
    assert only_reported(code, talk) is ends_with
    assert (f"exit code {int(code)}" in said.getvalue()) is (code is not ends_with)


def test_the_document_is_alone_on_stdout_and_text_goes_to_stderr(tmp_path, talk, capsys, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    talk.as_json = True
    shown(tmp_path, talk, ExitCode.LIMIT_BROKEN)
    out, err = capsys.readouterr()
    assert json.loads(out)["receipt"] == str(tmp_path / "receipt.json")
    assert "::error" in err
    assert msgspec.json.decode(out)["exit_code"] == 3
