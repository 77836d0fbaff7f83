"""What a calibration keeps: finished sessions, whatever interrupted it, and what is left to do."""

import pytest

from harness.calibrate.effects import TRIALS, Disturbance, Trial
from harness.calibrate.state import CalibrationState, left_to_do, sessions_of
from harness.errors import HarnessError
from tests.support.calibration import outcome

SAME, SLOWER = Trial("same", 40, 1), Trial("slower", 20, 95, spin_share=0.05)


@pytest.fixture
def state(tmp_path):
    found = CalibrationState(tmp_path / "state")
    found.new_folder(SAME)
    return found


def test_without_a_session_there_is_nothing(tmp_path):
    assert CalibrationState(tmp_path / "never").outcomes() == []


def test_what_was_kept_is_read_in_its_order_by_another_process(state):
    kept = [outcome("same", receipt="one"), outcome("slower", receipt="two")]
    for one in kept:
        state.add(one)
    again = CalibrationState(state.folder)
    assert again.outcomes() == kept
    assert again.receipt_of(kept[1]) == state.folder / "two" / "receipt.json"


@pytest.mark.parametrize("left", [0.1, 0.5, 0.99])
def test_a_line_that_was_cut_short_is_no_session_and_takes_no_other_with_it(state, left):
    for name in ("one", "two"):
        state.add(outcome(receipt=name))
    lines = state.folder / "sessions.jsonl"
    content = lines.read_bytes()
    half = len(content) // 2
    lines.write_bytes(content[: half + int(left * (half - 1))])
    assert [one.receipt for one in state.outcomes()] == ["one"]
    state.add(outcome(receipt="three"))
    assert [one.receipt for one in state.outcomes()] == ["one", "three"]


def test_every_session_gets_a_folder_of_its_own_that_a_shell_can_name(state):
    trial = next(trial for trial in TRIALS if "%" in trial.name)
    places = {state.new_folder(trial) for _ in range(3)}
    assert len(places) == 3
    assert all(place.is_dir() and "%" not in place.name for place in places)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="--state"):
        CalibrationState(tmp_path / "file").new_folder(SAME)


def test_a_session_asks_twenty_questions_and_one_of_imports_asks_one():
    assert sessions_of(Trial("a", 300, 1)) == 15
    assert sessions_of(Trial("b", 21, 1)) == 2
    assert sessions_of(Trial("c", 5, 95, import_ms=20)) == 5
    assert sessions_of(Trial("d", 60, 95, works=("sort", "heap"))) == 30


def test_a_calibration_goes_on_where_it_stopped():
    done = [outcome("same"), outcome("slower")]
    assert left_to_do([SAME, SLOWER], [], "now") == [SAME, SAME, SLOWER]
    assert left_to_do([SAME, SLOWER], done, "now") == [SAME]
    assert left_to_do([SAME, SLOWER], [*done, outcome("same")], "now") == []


def test_sessions_of_another_state_of_the_gate_are_made_again():
    done = [outcome("same", gate="before"), outcome("slower", gate="before"), outcome("same")]
    assert left_to_do([SAME, SLOWER], done, "now") == [SAME, SLOWER]


def test_more_sessions_than_were_asked_for_leave_nothing_to_do():
    assert left_to_do([SAME], [outcome("same")] * 5, "now") == []


def test_a_trial_changes_nothing_unless_it_adds_something():
    quiet = {trial.name for trial in TRIALS if trial.changes_nothing}
    assert quiet == {trial.name for trial in TRIALS if trial.name.startswith("same")}
    assert all(
        trial.goal == ("at most 1 %" if trial.name in quiet else f"at least {trial.goal_percent} %")
        for trial in TRIALS
    )
    disturbed = {trial.name for trial in TRIALS if trial.disturbance is not Disturbance.QUIET}
    assert disturbed <= quiet


def test_trials_have_names_of_their_own_and_margins_that_their_effects_can_reach():
    assert len({trial.name for trial in TRIALS}) == len(TRIALS)
    for trial in TRIALS:
        assert not trial.spin_share or trial.margin_percent <= 100 * trial.spin_share
