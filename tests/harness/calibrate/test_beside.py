"""Calibration beside pytest-benchmark: what its own comparison calls a regression is read from its own words."""

import pytest

from harness.calibrate.beside import flagged, run_beside
from harness.errors import HarnessError

OUTPUT = """
2 passed in 4.1s
----------------------------------------------------------------------------------------------------
Performance has regressed:
	test_work[struct_pack] (0001_base) - Field 'mean' has failed PercentageRegressionCheck: 928.351555411 > 5.000000000
	test_work[struct_pack] (0001_base) - Field 'min' has failed PercentageRegressionCheck: 983.023914590 > 5.000000000
	test_work[json_loads] (0001_base) - Field 'mean' has failed PercentageRegressionCheck: 7.023914590 > 5.000000000
----------------------------------------------------------------------------------------------------
"""


def test_each_rule_has_the_benchmarks_that_it_flagged():
    assert flagged(OUTPUT) == {"mean:5%": ("struct_pack", "json_loads"), "min:5%": ("struct_pack",)}


def test_output_without_a_regression_flags_nothing_under_every_rule():
    assert flagged("2 passed in 4.1s") == {"mean:5%": (), "min:5%": ()}


# A few rounds: many times slower is seen in these.
MAX_TIME_S = 0.05


def test_work_that_became_many_times_slower_is_flagged_by_every_rule_of_the_real_comparison(tmp_path):
    judged = run_beside(
        tmp_path, ["struct_pack", "sha256"], {"struct_pack": 1_000_000}, max_time_s=MAX_TIME_S
    )
    assert judged.benchmarks == 2
    assert {rule: "struct_pack" in names for rule, names in judged.flagged.items()} == {
        "mean:5%": True,
        "min:5%": True,
    }


def test_a_run_that_fails_for_another_reason_is_a_clear_error(tmp_path):
    with pytest.raises(HarnessError, match="pytest-benchmark ended with"):
        run_beside(tmp_path, ["no_such_work"], {}, max_time_s=MAX_TIME_S)
