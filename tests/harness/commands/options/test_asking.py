"""From the words of `compare` and `gate` to what a session is asked."""

import sys

import pytest

from harness.cli import make_parser
from harness.commands.options.asking import ask, read_policy
from harness.errors import UsageError
from harness.policy.policy import Policy
from harness.work.servers import Data

CODE = ("git:main", "path:.")
CORE = ("variant:baseline", "variant:optimised")
KNOWN = ("target:known:noop", "target:known:spin")


@pytest.fixture
def asked(tmp_path, monkeypatch):
    def understand(sides, *words, policy=None):
        typed = ["compare", *sides, *words]
        monkeypatch.setattr(sys, "argv", ["harness", *typed])
        return ask(make_parser(typed).parse_args(typed), policy or Policy(), *sides, tmp_path)

    monkeypatch.chdir(tmp_path)
    return understand


@pytest.mark.parametrize(
    ("words", "suites"),
    [
        ((), ("exact", "micro")),
        (("--suite", "micro"), ("exact", "micro")),
        (("--suite", "load"), ("exact", "load")),
        (("--suite", "exact"), ("exact",)),
        (("--suite", "all"), ("exact", "micro", "load")),
    ],
)
def test_exact_counts_come_with_every_suite_and_first(asked, words, suites):
    assert asked(CORE, *words).suites == suites


def test_without_a_word_the_policy_says_what_is_measured(asked):
    assert asked(CORE, policy=Policy(suites=("load", "micro"))).suites == ("micro", "load")
    assert asked(CORE, "--suite", "exact", policy=Policy(suites=("load",))).suites == ("exact",)


@pytest.mark.parametrize("suite", ["exact", "load"])
def test_what_drives_a_target_is_refused_where_none_is_named(asked, suite):
    with pytest.raises(UsageError, match=r"needs a target.*\[tool.harness\] target"):
        asked(CODE, "--suite", suite)
    assert asked(CODE, "--suite", suite, policy=Policy(target="shop.work:create")).driven is not None


def test_micro_benchmarks_alone_need_no_target(asked):
    assert asked(CODE).driven is None


def test_the_budget_is_the_one_that_was_typed_or_else_the_policys(asked):
    assert asked(CORE).budget_s is None
    assert asked(CORE, policy=Policy(budget="10m")).budget_s == 600
    assert asked(CORE, "--budget", "90s", policy=Policy(budget="10m")).budget_s == 90


def test_micro_benchmarks_and_load_share_the_budget_and_one_alone_has_it_all(asked):
    both = asked(CORE, "--suite", "all", "--budget", "10m")
    assert both.share_of("micro") + both.share_of("load") == 1
    assert asked(CORE, "--budget", "10m").share_of("micro") == 1
    assert asked(CORE, "--suite", "load", "--budget", "10m").share_of("load") == 1


def test_either_the_policy_or_the_caller_makes_it_strict(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.harness]\nstrict = true\n")
    (tmp_path / "mild.toml").write_text("[tool.harness]\nmargin-percent = 1.0\n")

    def strict(*words):
        typed = ["compare", *CORE, *words]
        args = make_parser(typed).parse_args(typed)
        return read_policy(args, tmp_path).strict

    assert strict()
    assert not strict("--policy", str(tmp_path / "mild.toml"))
    assert strict("--policy", str(tmp_path / "mild.toml"), "--strict")


def test_load_goes_to_servers_only_where_the_target_needs_them(asked):
    assert asked(KNOWN, "--suite", "load").load.backends == "none"
    assert asked(CORE, "--suite", "load").load.backends == "embedded"
    assert asked(CORE, "--suite", "load", "--backends", "memory").load.backends == "memory"


def test_servers_are_filled_with_what_both_sides_ask_for_and_not_with_what_one_asks_for_alone(asked):
    def data(base, candidate, *words):
        return asked((f"target:{base}", f"target:{candidate}"), "--suite", "load", *words).load.data

    spec = "asset-core?data=medium&seed=3"
    assert data(spec, f"{spec}&switches=l1:off") == Data("medium", 3)
    assert data("asset-core", "asset-core") == Data("small", 1)
    assert data("known:noop?seed=7", spec) == Data("medium", 3)
    with pytest.raises(UsageError, match=r"different data.*base small, seed 1; candidate medium, seed 3"):
        data("asset-core", spec)
    # In memory each side has its own.
    assert data("asset-core", spec, "--backends", "memory") == Data()
    with pytest.raises(UsageError, match=r"none\.jsonl"):
        data("asset-core?data=none.jsonl", "asset-core?data=none.jsonl")


def test_load_is_of_the_length_and_rate_that_were_typed(asked):
    load = asked(CORE, "--suite", "load", "--segment", "10s", "--rate", "70").load
    assert (load.duration_s, load.rate_per_s) == (10, 70)
    assert asked(CORE, "--suite", "load").load.rate_per_s is None


def test_the_command_is_kept_as_it_was_typed(asked):
    found = asked(("target:known:noop", "target:known:spin?spin_us=5"), "--suite", "exact")
    assert found.command == "harness compare target:known:noop 'target:known:spin?spin_us=5' --suite exact"
    assert found.name == "compare"
