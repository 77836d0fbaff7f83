"""The steps of a shape as stages of the measured time."""

from harness.load.locust.steps import stages


def shares(steps, duration_s):
    return [(stage.label, round(stage.share, 3)) for stage in stages(steps, duration_s)]


def test_a_test_without_steps_is_one_stage_named_by_its_users():
    assert shares([(-2.0, "5 users")], 10.0) == [("5 users", 10.0)]
    assert shares([], 10.0) == [("steady", 10.0)]


def test_each_step_is_a_stage_from_its_begin_and_those_before_zero_and_after_the_end_are_none():
    steps = [(-3.0, "1 users"), (-1.0, "5 users"), (4.0, "20 users"), (9.0, "0 users"), (12.0, "3 users")]
    assert shares(steps, 10.0) == [("5 users", 4.0), ("20 users", 5.0), ("0 users", 1.0)]


def test_a_step_at_the_very_end_is_no_stage():
    assert shares([(-1.0, "5 users"), (9.9999, "0 users")], 10.0) == [("5 users", 10.0)]


def test_a_curve_of_very_many_steps_is_one_stage():
    assert shares([(second, f"{second} users") for second in range(100)], 100.0) == [("the whole shape", 1.0)]
