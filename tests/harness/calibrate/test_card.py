"""The calibration card: counts of what the gate said, with bounds, and nothing that another gate made."""

import msgspec
import pytest

from harness.calibrate.card import (
    CalibrationOutcome,
    Rate,
    SessionOutcome,
    make_card,
    read_card,
    same_machine,
    with_earlier,
    write_card,
)
from harness.errors import InvalidRunError
from harness.judge.verdict import Verdict


def session(
    trial,
    *verdicts,
    gate="now",
    added=0.0,
    mutants=None,
    beside=None,
    null_clean=True,
    seconds=3.0,
    metric="wall",
):
    outcomes = [
        CalibrationOutcome(
            benchmark=f"b{place}",
            verdict=verdict,
            metric=metric,
            change=0.01 * place,
            added=added,
            seconds=seconds + place,
            mutants=mutants or {},
        )
        for place, verdict in enumerate(verdicts)
    ]
    return SessionOutcome(
        trial=trial, gate=gate, receipt="receipt.json", seconds=10.0,
        outcomes=outcomes, null_clean=null_clean, bad_blocks=0.0, load_average=1.0,
        finished_at="2026-01-01T00:00:00+00:00",
        beside=beside,
    )  # fmt: skip


def card_of(*sessions):
    return make_card(sessions, "now", {"cpu": "one"}, ["same", "slower-5%"])


def test_no_alarm_in_299_comparisons_shows_at_most_one_and_a_quarter_percent():
    rate = Rate.of(0, 299)
    assert rate.low == 0
    # Two-sided at 95 %: 1 - 0.025 ** (1 / 299).
    assert rate.high == pytest.approx(1 - 0.025 ** (1 / 299), rel=1e-6)


def test_alarms_are_counted_by_comparison_and_by_session():
    quiet = session("same", Verdict.OK, Verdict.INCONCLUSIVE)
    alarmed = session("same", Verdict.REGRESSED, Verdict.OK)
    (trial,) = card_of(quiet, alarmed, alarmed).trials
    assert (trial.alarms.count, trial.alarms.total) == (2, 6)
    assert (trial.session_alarms.count, trial.session_alarms.total) == (2, 3)
    assert trial.verdicts == {"ok": 3, "inconclusive": 1, "regressed": 2}


def test_alarms_are_counted_apart_for_the_sessions_that_the_machine_let_judge():
    withheld = [Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE]
    shaken = msgspec.structs.replace(session("slower-5%", *withheld), bad_blocks=0.41)
    dirty = session("slower-5%", *withheld, null_clean=False)
    steady = msgspec.structs.replace(session("slower-5%", Verdict.REGRESSED, Verdict.OK), bad_blocks=0.4)
    (trial,) = card_of(shaken, dirty, steady).trials
    assert (trial.alarms.count, trial.alarms.total) == (1, 6)
    assert (trial.steady_alarms.count, trial.steady_alarms.total) == (1, 2)
    (trial,) = card_of(shaken).trials
    assert (trial.steady_alarms.total, trial.steady_alarms.low, trial.steady_alarms.high) == (0, 0.0, 1.0)


def test_sessions_of_another_state_of_the_gate_are_not_counted():
    card = card_of(session("same", Verdict.OK), session("same", Verdict.REGRESSED, gate="before"))
    assert (card.trials[0].alarms.count, card.trials[0].alarms.total) == (0, 1)


def test_sessions_that_found_every_change_are_counted_apart_from_those_that_found_one():
    some, every = (
        session("slower-5%", Verdict.REGRESSED, Verdict.OK),
        session("slower-5%", *[Verdict.REGRESSED] * 2),
    )
    (trial,) = card_of(some, every, every, every).trials
    assert (trial.session_alarms.count, trial.session_finds.count, trial.session_finds.total) == (4, 3, 4)
    # Three of three sessions show no more than this, however many comparisons they held.
    assert Rate.of(3, 3).low == pytest.approx(0.292, abs=0.001)


def test_a_candidate_that_slows_its_process_is_no_session_that_the_machine_withheld():
    found = session("slower-5%", Verdict.REGRESSED, metric="fixed_loop")
    assert msgspec.structs.replace(found, bad_blocks=1.0).is_steady
    assert not msgspec.structs.replace(session("same", Verdict.INCONCLUSIVE), bad_blocks=1.0).is_steady


def test_the_times_to_a_verdict_are_medians_over_the_benchmarks_that_got_it():
    (trial,) = card_of(
        session("same", Verdict.OK, Verdict.INCONCLUSIVE, Verdict.OK, seconds=3.0),
        session("same", Verdict.OK, Verdict.REGRESSED, seconds=10.0),
    ).trials
    assert (trial.seconds_to_ok, trial.seconds_to_regressed) == (5.0, 11.0)
    (trial,) = card_of(session("same", Verdict.OK)).trials
    assert trial.seconds_to_regressed is None


def test_mutants_and_other_tools_are_counted_over_the_comparisons_that_they_judged():
    made = session(
        "same",
        Verdict.OK,
        Verdict.OK,
        mutants={"pooled": Verdict.REGRESSED},
        beside={"mean:5%": ["b1"], "min:5%": []},
    )
    (trial,) = card_of(made, session("same", Verdict.OK)).trials
    assert (trial.mutants["pooled"].count, trial.mutants["pooled"].total) == (2, 2)
    assert (trial.beside["mean:5%"].count, trial.beside["mean:5%"].total) == (1, 2)
    assert trial.beside["min:5%"].count == 0


def test_trials_stand_in_their_order_and_only_those_that_were_made():
    card = card_of(session("slower-5%", Verdict.REGRESSED, added=0.05))
    assert [trial.trial for trial in card.trials] == ["slower-5%"]
    assert card.trial("slower-5%").added == 0.05
    assert card.trial("same") is None


def test_a_card_is_read_as_it_was_written(tmp_path):
    card = card_of(session("same", Verdict.OK, null_clean=False))
    write_card(tmp_path / "card.json", card)
    assert read_card(tmp_path / "card.json") == card
    assert card.trials[0].dirty_controls.count == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"schema": 2}', b"\xff", b"[]"])
def test_a_damaged_card_is_a_clear_error(tmp_path, content):
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(InvalidRunError, match="card"):
        read_card(tmp_path / "card.json")


def test_a_card_of_another_schema_and_a_missing_one_are_clear_errors(tmp_path):
    with pytest.raises(InvalidRunError, match="cannot be read"):
        read_card(tmp_path / "card.json")
    write_card(tmp_path / "card.json", card_of(session("same", Verdict.OK)))
    text = (tmp_path / "card.json").read_text().replace('"schema": 2', '"schema": 1')
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(InvalidRunError, match="schema 1"):
        read_card(tmp_path / "card.json")


HERE = {"cpu": "one", "cores": 2, "kernel": "k", "python": "p", "packages": {"locust": "1"}}
TRIALS = ["same", "slower-5%"]


def made(*sessions, environment=HERE, gate="now"):
    return make_card(sessions, gate, environment, TRIALS)


def test_a_card_keeps_what_an_earlier_one_of_the_same_gate_and_machine_knows_beyond_it():
    earlier = made(session("same", Verdict.OK, Verdict.REGRESSED))
    fresh = made(session("slower-5%", Verdict.REGRESSED, added=0.05))
    both = with_earlier(fresh, earlier, TRIALS)
    assert [(row.trial, row.alarms.count, row.alarms.total) for row in both.trials] == [
        ("same", 1, 2),
        ("slower-5%", 1, 1),
    ]


def test_of_two_rows_for_one_trial_the_one_with_more_comparisons_stands_and_they_are_never_added_up():
    large = made(session("same", Verdict.REGRESSED, Verdict.OK, Verdict.OK))
    small = made(session("same", Verdict.OK, Verdict.OK))
    for card, earlier in ((large, small), (small, large)):
        (row,) = with_earlier(card, earlier, TRIALS).trials
        assert (row.alarms.count, row.alarms.total) == (1, 3)


@pytest.mark.parametrize(
    "earlier",
    [
        None,
        made(session("same", Verdict.OK, gate="before"), gate="before"),
        made(session("same", Verdict.OK), environment={**HERE, "cores": 64}),
    ],
    ids=["none", "another gate", "another machine"],
)
def test_an_earlier_card_that_does_not_speak_for_this_machine_and_gate_adds_nothing(earlier):
    fresh = made(session("slower-5%", Verdict.REGRESSED))
    assert with_earlier(fresh, earlier, TRIALS) == fresh


def test_other_packages_are_the_same_machine_and_another_kernel_is_not():
    assert same_machine(HERE, {**HERE, "packages": {}})
    assert not same_machine(HERE, {**HERE, "kernel": "other"})
