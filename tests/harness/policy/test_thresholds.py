"""The limits of validity are settings of a project: read, refused by name, kept in the run, judged by wherever it is read."""

import msgspec
import pytest

from harness.errors import InvalidRunError, UsageError
from harness.judge import policy_file
from harness.policy.policy import Policy
from harness.policy.thresholds import Level, Threshold, Thresholds
from harness.reading.judging import judge
from harness.reading.summary import load
from harness.run.directory import RunDirectory
from harness.work.subjects import find_scenario, select
from tests.support.run_builder import make_run

ALL_SET = """
[tool.harness.validity]
lag-percent = [20, 60]
lag_ms = [1, 5]
descheduled-percent = [30, 90]
late-percent = [0.5, 2]
backend-percent = 70
warmup-percent = 25
clock-step-ms = 50
"""


def in_project(folder, text):
    (folder / "pyproject.toml").write_text(text)
    return policy_file.thresholds(folder)


def test_every_limit_can_be_set(tmp_path):
    assert in_project(tmp_path, ALL_SET) == Thresholds(
        lag_share=Threshold(0.20, 0.60),
        lag_ns=Threshold(1e6, 5e6),
        descheduled_share=Threshold(0.3, 0.9),
        late_share=Threshold(0.005, 0.02),
        backend_share=0.7,
        warmup_share=0.25,
        clock_step_s=0.05,
    )


def test_what_is_not_set_is_as_usual(tmp_path):
    found = in_project(tmp_path, "[tool.harness.validity]\nbackend-percent = 50\n")
    assert found == Thresholds(backend_share=0.5)
    assert in_project(tmp_path, "[tool.harness.validity]\n") == Thresholds()


@pytest.mark.parametrize("text", ["", "[tool.harness]\nbase = 'main'\n", "[tool.other]\n"])
def test_a_project_that_sets_nothing_has_none(tmp_path, text):
    assert in_project(tmp_path, text) is None
    (tmp_path / "pyproject.toml").unlink()
    assert policy_file.thresholds(tmp_path) is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("lag-percnt = [1, 2]", "no setting 'validity.lag-percnt'.*Did you mean 'lag-percent'"),
        ("lag-percent = 10", "lag-percent"),
        ("lag-percent = [1, 2, 3]", "lag-percent"),
        ("lag-percent = [50, 10]", "the limit for degraded must not exceed the limit for invalid"),
        ("lag-ms = [-1, 10]", "lag-ms"),
        ("lag-ms = ['1ms', 10]", "lag-ms"),
        ("descheduled-percent = [2, 150]", "descheduled-percent"),
        ("clock-step-ms = nan", "clock-step-ms|order|not valid"),
        ("warmup-percent = 101", "warmup-percent"),
    ],
)
def test_what_would_not_do_what_it_says_is_refused_by_name_by_every_reader(tmp_path, line, says):
    with pytest.raises(UsageError, match=says):
        in_project(tmp_path, f"[tool.harness.validity]\n{line}\n")
    with pytest.raises(UsageError, match=says):
        policy_file.read(tmp_path)
    with pytest.raises(UsageError, match="not a table"):
        in_project(tmp_path, "[tool.harness]\nvalidity = 3\n")


def test_the_policy_of_comparisons_is_the_same_with_and_without(tmp_path):
    (tmp_path / "pyproject.toml").write_text(ALL_SET)
    assert policy_file.sha256(policy_file.read(tmp_path)) == policy_file.sha256(
        policy_file.from_table({}, where="")
    )


def with_thresholds(path, thresholds):
    directory = RunDirectory(path)
    document = directory.read()
    document.thresholds = thresholds
    directory.write(document)
    return judge(load(path))


def test_a_run_is_judged_by_the_limits_that_it_was_made_under(tmp_path):
    path = make_run(tmp_path, descheduled_share=0.1)
    assert judge(load(path)).validity.level is Level.DEGRADED
    lenient = Thresholds(descheduled_share=Threshold(0.3, 0.9))
    assert with_thresholds(path, lenient).validity.level is Level.VALID
    strict = with_thresholds(path, Thresholds(descheduled_share=Threshold(0.01, 0.05)))
    assert strict.validity.level is Level.INVALID
    assert judge(strict.run, lenient).validity.level is Level.VALID


def test_a_run_whose_limits_are_damaged_is_refused(tmp_path):
    path = make_run(tmp_path)
    with_thresholds(path, Thresholds())
    file = path / "run.json"
    document = msgspec.json.decode(file.read_bytes())
    document["thresholds"]["lag_ns"] = {"degraded": 5.0, "invalid": 1.0}
    file.write_bytes(msgspec.json.encode(document))
    with pytest.raises(InvalidRunError, match="damaged"):
        load(path)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("expect-status = [404]", "404"),
        ('expect_status = ["200-399", 404]', "200-399,404"),
        ("expect-status = 404", "404"),
        ("", ""),
    ],
)
def test_expected_statuses_are_a_setting_and_no_part_of_the_policy(tmp_path, line, text):
    (tmp_path / "pyproject.toml").write_text(f"[tool.harness]\n{line}\n")
    assert policy_file.parameters(tmp_path) == ({"expect-status": text} if text else {})
    assert policy_file.read(tmp_path) == Policy()


@pytest.mark.parametrize("value", ['["2xx"]', "[99]", "true", "{}", "[4.5]"])
def test_expected_statuses_that_are_none_are_refused_by_name(tmp_path, value):
    (tmp_path / "pyproject.toml").write_text(f"[tool.harness]\nexpect-status = {value}\n")
    for read in (policy_file.parameters, policy_file.read):
        with pytest.raises(UsageError, match="expect-status cannot be read: "):
            read(tmp_path)


def test_a_target_of_the_users_own_is_selected_with_the_statuses_of_the_project(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[tool.harness]\nexpect-status = [404]\n")
    monkeypatch.chdir(tmp_path)
    scenario = find_scenario("closed")
    assert select("mine.py:create?a=1", scenario, ()).spec.text == "mine.py:create?expect-status=404&a=1"
    assert select("mine.py:create?expect-status=409", scenario, ()).spec.parameters == {
        "expect-status": "409"
    }
    assert select("known:constant", scenario, ()).spec.text == "known:constant"
