"""The policy: which rule holds for what, how its file is read, and what is refused."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.judge.policy_file import check, from_table, read, refuse_expired, sha256
from harness.policy.policy import Acceptance, BenchmarkRule, Limit, Policy, fits
from harness.session.receipt import Benchmark, Segment
from tests.support.judge import CONTROL, count, load_block, receipt

TODAY = dt.date(2026, 11, 22)


def written(tmp_path, text, name="pyproject.toml"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


# Rules.


def test_brackets_of_a_benchmark_are_themselves_in_a_glob():
    assert fits("test_sort[*]", "test_sort[100]")
    assert fits("test_sort[100]", "test_sort[100]")
    assert not fits("test_sort[100]", "test_sort1")
    assert fits("test_?", "test_a")
    assert not fits("test_?", "test_ab")
    assert not fits("sort", "test_sort")


@settings(deadline=None)
@given(st.text(max_size=20))
def test_every_name_without_wildcards_fits_itself_alone(name):
    plain = name.replace("*", "").replace("?", "")
    assert fits(plain, plain)
    assert not fits(plain, plain + "x")
    assert fits("*", name)


def test_the_last_rule_that_sets_a_value_counts_for_that_value():
    policy = Policy(
        benchmarks=(
            BenchmarkRule(match="*", margin_percent=4),
            BenchmarkRule(match="a*", margin_percent=8, allow=2),
            BenchmarkRule(match="ab", metric="calls.*", allow=1),
        )
    )
    assert policy.margin("b", "wall") == 0.04
    assert policy.margin("ab", "wall") == 0.08
    assert (policy.allowed("ab", "calls.redis"), policy.allowed("ab", "allocations")) == (1, 2)
    assert policy.allowed("b", "allocations") == 0


def test_noisier_metrics_have_wider_margins_unless_a_rule_says_otherwise():
    policy = Policy(margin_percent=1)
    margins = [policy.margin("a", metric) for metric in ("wall", "throughput", "cold_start", "p99", "errors")]
    assert margins == [0.01, 0.01, 0.1, 0.2, 0.005]
    ruled = Policy(benchmarks=(BenchmarkRule(match="*", metric="p99", margin_percent=3),))
    assert ruled.margin("a", "p99") == 0.03


def test_a_benchmark_is_left_out_altogether_or_for_one_metric():
    policy = Policy(
        benchmarks=(
            BenchmarkRule(match="a", skip="slow"),
            BenchmarkRule(match="b", metric="cpu", skip="noisy"),
        )
    )
    assert policy.skipped("a") == policy.skipped("a", "wall") == "slow"
    assert (policy.skipped("b"), policy.skipped("b", "cpu")) == (None, "noisy")


def test_an_acceptance_holds_up_to_its_last_day():
    policy = Policy(accepted=(Acceptance(match="a", metric="wall", reason="safer", expires=TODAY),))
    assert policy.acceptance("a", "wall", TODAY) == "safer"
    assert policy.acceptance("a", "wall", TODAY + dt.timedelta(1)) is None
    assert policy.acceptance("a", "cpu", TODAY) is None
    assert policy.acceptance("b", "wall", TODAY) is None


# Files.


def test_a_folder_without_a_policy_has_the_default_one(tmp_path):
    assert read(tmp_path) == Policy()
    written(tmp_path, "[project]\nname = 'x'\n")
    assert read(tmp_path) == Policy()


WHOLE = """
source-roots = ["src"]
suites = ["micro", "load"]
strict = true
margin_percent = 5
budget = "2m"

[[{table}benchmarks]]
match = "test_sort*"
margin-percent = 10

[[{table}limits]]
slo = "p99<25ms"

[[{table}accepted]]
match = "test_*"
reason = "safer"
expires = 2026-12-31
"""
EXPECTED = Policy(
    source_roots=("src",),
    suites=("micro", "load"),
    strict=True,
    margin_percent=5.0,
    budget="2m",
    benchmarks=(BenchmarkRule(match="test_sort*", margin_percent=10.0),),
    limits=(Limit(slo="p99<25ms"),),
    accepted=(Acceptance(match="test_*", reason="safer", expires=dt.date(2026, 12, 31)),),
)


def test_a_policy_is_read_from_pyproject_and_from_a_file_of_its_own(tmp_path):
    written(tmp_path, "[tool.harness]" + WHOLE.format(table="tool.harness."))
    assert read(tmp_path) == EXPECTED
    assert read(written(tmp_path, WHOLE.format(table=""), "policy.toml")) == EXPECTED


def test_a_policy_in_a_receipt_reads_back_as_the_same_with_the_same_digest():
    stored = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(EXPECTED)))
    again = from_table(stored, where="the receipt")
    assert again == EXPECTED
    assert sha256(again) == sha256(EXPECTED) != sha256(Policy())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("margin-procent = 3", "no setting 'margin-procent'.*Did you mean 'margin-percent'"),
        ("colour = 3", "no setting 'colour'.*Settings: source-roots"),
        (
            "[[benchmarks]]\nmatch = 'a'\nmargn-percent = 3",
            r"'benchmarks\[0\].margn-percent'.*margin-percent",
        ),
        ("[[limits]]\nslow = 'p99<1s'", r"'limits\[0\].slow'.*Did you mean 'slo'"),
        ("margin-percent = 'much'", "Expected `float`, got `str` - at `margin-percent`"),
        ("margin-percent = 0", "Expected `float` > 0"),
        ("strict = 1", "Expected `bool`"),
        ("benchmarks = 3", "Expected `array`"),
        ("benchmarks = [3]", "Expected `object`"),
        ("[[benchmarks]]\nallow = 3", "missing required field `match`"),
        ("[[benchmarks]]\nmatch = 'a'", "The rule for 'a' sets nothing"),
        (
            "[[benchmarks]]\nmatch = 'GET *'\nmetric = 'calls.*'\nmargin-percent = 5",
            r"margin-percent of the rule for 'GET \*' has no effect on the metric 'calls\.\*'.*set allow",
        ),
        (
            "[[benchmarks]]\nmatch = 'a'\nmetric = 'wal'\nmargin-percent = 5",
            "no effect on the metric 'wal'.*wall",
        ),
        (
            "[[benchmarks]]\nmatch = 'a'\nmetric = 'p9*'\nallow = 5",
            r"allow of the rule for 'a' has no effect on the metric 'p9\*'.*set margin-percent",
        ),
        ("[[benchmarks]]\nmatch = ''\nallow = 1", "length >= 1"),
        ("[[limits]]\nslo = 'fast'", "'fast' is not a limit"),
        ("[[accepted]]\nmatch = 'a'\nreason = 'b'\nexpires = 'soon'", "Invalid RFC3339 encoded date"),
        ("source-roots = ['/srv/shop']", "'/srv/shop' in source-roots leads out of the project"),
        ("source-roots = ['src', '../shop']", "'../shop' in source-roots leads out"),
        ("suite = '/srv/benchmarks'", "'/srv/benchmarks' in suite leads out"),
        ("suite = 'a/../../b'", "in suite leads out"),
        ("suites = ['mikro']", "no suite 'mikro'"),
        ("budget = 'soon'", "'soon' is not a duration"),
        ("alpha-percent = 0.001", "cannot go below"),
        ("alpha-percent = 20", "<= 10"),
        ("a = ", "cannot be read"),
    ],
)
def test_what_a_policy_gets_wrong_is_refused_by_name(tmp_path, text, says):
    with pytest.raises(UsageError, match=says):
        read(written(tmp_path, text, "policy.toml"))


def test_the_file_is_named_in_a_complaint(tmp_path):
    path = written(tmp_path, "[tool.harness]\nmargn = 3\n")
    with pytest.raises(UsageError) as caught:
        read(tmp_path)
    assert caught.value.where == str(path)


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no policy file"):
        read(tmp_path / "missing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "binary.toml")
    with pytest.raises(UsageError, match="not a table"):
        read(written(tmp_path, "[tool]\nharness = 3\n"))


# Against a session.


def measured(**fields):
    segment = Segment(values={"all": {"p99_ns": 1.0}}, counts={}, validity="valid")
    return receipt(
        suites=["micro", "exact", "load"],
        benchmarks=[Benchmark(name="test_sort[1]"), CONTROL],
        counts=[count([1], [1])],
        load_blocks=[load_block(0, base=segment)],
        **fields,
    )


def ruling(match, metric="*"):
    return Policy(benchmarks=(BenchmarkRule(match=match, metric=metric, allow=1),))


@pytest.mark.parametrize(
    ("match", "metric"),
    [
        ("test_sort[1]", "*"),
        ("test_sort*", "wall"),
        ("GET /a", "calls.dynamodb"),
        ("all", "p99"),
        ("import", "cold_start"),
    ],
)
def test_globs_that_fit_what_was_measured_pass(match, metric):
    check(ruling(match, metric), measured(), TODAY)


@pytest.mark.parametrize(
    ("match", "metric", "says"),
    [
        ("test_srot[1]", "*", r"for 'test_srot\[1\]' matches no benchmark.*Did you mean test_sort\[1\]"),
        ("test_sort*", "wal", "for 'wal' matches no metric of 'test_sort.*Did you mean wall"),
        ("control:null", "*", "matches no benchmark"),
        ("GET /a", "wall", "matches no metric"),
    ],
)
def test_a_glob_that_fits_nothing_is_refused(match, metric, says):
    with pytest.raises(UsageError, match=says):
        check(ruling(match, metric), measured(), TODAY)


def test_limits_and_acceptances_must_fit_something_too():
    with pytest.raises(UsageError, match="limit for 'GET /b'"):
        check(Policy(limits=(Limit(slo="p99<1s", operation="GET /b"),)), measured(), TODAY)
    with pytest.raises(UsageError, match="acceptance for 'b'"):
        check(Policy(accepted=(Acceptance(match="b", reason="r", expires=TODAY),)), measured(), TODAY)


def test_a_session_of_some_suites_is_not_held_against_globs_for_others():
    check(ruling("GET /b"), msgspec.structs.replace(measured(), suites=["micro"]), TODAY)
    check(ruling("GET /b"), msgspec.structs.replace(measured(), finished=False), TODAY)


def test_an_expired_acceptance_is_refused_by_name():
    policy = Policy(accepted=(Acceptance(match="a*", reason="safer", expires=TODAY),))
    refuse_expired(policy, TODAY)
    with pytest.raises(UsageError, match="'a\\*' \\(safer\\) expired on 2026-11-22"):
        refuse_expired(policy, TODAY + dt.timedelta(1))
    with pytest.raises(UsageError, match="expired"):
        check(policy, measured(), TODAY + dt.timedelta(1))


@pytest.mark.parametrize(
    "rule",
    [
        "metric = 'allocations'\nmargin-percent = 5",
        "metric = 'peak_*'\nmargin-percent = 5",
        "metric = '*'\nmargin-percent = 5\nallow = 2",
        "metric = 'p*'\nallow = 2",
        "metric = 'round_trips.redis'\nallow = 2",
        "metric = 'cold_start'\nmargin-percent = 50",
    ],
)
def test_a_rule_that_does_what_it_says_is_taken(tmp_path, rule):
    (tmp_path / "policy.toml").write_text(f"[[benchmarks]]\nmatch = 'a'\n{rule}\n")
    assert read(tmp_path / "policy.toml").benchmarks[0].match == "a"
