"""`harness gate --suite instructions`: what is refused, and what its reports say."""

import json

import pytest

from harness.instructions import valgrind
from harness.session.receipt import Count
from harness.work import comparison, sessions
from tests.support.cli import inside
from tests.support.gate import edit, make_shop, without_target
from tests.support.valgrind import needs_valgrind

NAME = "test_work.py::test_total"
LINE = f"{NAME} instructions"
BLIND = "do not see waiting, caches, system calls and garbage collection"


@pytest.fixture
def shop(tmp_path):
    folder = make_shop(tmp_path / "shop")
    without_target(folder)
    return folder


@pytest.fixture
def counts(monkeypatch):
    """Play the counts of the shop's benchmark, on any machine."""

    def play(*candidate, **more):
        found = Count(
            benchmark=NAME, metric="instructions", requests=5, base=[1e6] * len(candidate), candidate=[*candidate],
            **more,
        )  # fmt: skip
        monkeypatch.setattr(comparison.valgrind, "trouble", lambda: ("", ""))
        monkeypatch.setattr(sessions, "count_suite", lambda *_: [found])

    return play


def test_a_machine_without_valgrind_is_refused_by_name_with_the_remedy(shop, monkeypatch):
    monkeypatch.setattr(valgrind.shutil, "which", lambda _name: None)
    said = inside(shop, "gate", "--suite", "instructions")
    assert said.code == 2
    assert "suite 'instructions' cannot be measured: valgrind is not installed" in said.stderr
    assert "apt-get install valgrind" in said.stderr
    assert not (shop / "runs").exists()


def test_a_policy_that_names_the_suite_is_refused_alike(shop, monkeypatch):
    monkeypatch.setattr(valgrind.shutil, "which", lambda _name: None)
    policy = shop / "pyproject.toml"
    policy.write_text(policy.read_text() + 'suites = ["micro", "instructions"]\n')
    said = inside(shop, "gate")
    assert (said.code, "valgrind is not installed" in said.stderr) == (2, True)


def test_every_report_has_the_change_its_functions_and_what_instructions_do_not_see(shop, counts):
    counts(
        *[1.005e6] * 3,
        base_sites={"total (shop/work.py)": 9e5},
        candidate_sites={"total (shop/work.py)": 9.05e5},
    )
    said = inside(shop, "gate", "--suite", "instructions", "--verbose")
    assert said.code == 3
    words = " ".join(said.stdout.split())
    assert f"{LINE} +0.50 % exact" in words, words
    assert "total (shop/work.py)" in words
    assert BLIND in words
    assert "wall" not in words
    (folder,) = (shop / "runs").iterdir()
    for file in ("report.html", "comment.md", "junit.xml"):
        text = " ".join((folder / file).read_text().split())
        assert "total (shop/work.py)" in text or file == "junit.xml"
        assert "instructions" in text
        assert "+0.50 %" in text
        assert BLIND in text or file == "comment.md"


def test_equal_counts_pass_and_a_count_that_is_not_exact_is_inconclusive_with_its_reason(shop, counts):
    counts(1e6, 1e6, 1e6)
    said = inside(shop, "gate", "--suite", "instructions", "--json", "--strict")
    assert (said.code, json.loads(said.stdout)["verdict"]) == (0, "ok")
    counts(unseen="base: other threads used 30% of the CPU time")
    said = inside(shop, "gate", "--suite", "instructions", "--json", "--strict")
    found = json.loads(said.stdout)
    assert (said.code, found["verdict"]) == (4, "inconclusive")
    (one,) = found["comparisons"]
    assert one["note"] == "no exact instructions: base: other threads used 30% of the CPU time"
    assert (one["base"], one["candidate"], one["change"]) == (None, None, None)


def test_the_time_is_said_beforehand_and_a_budget_without_room_for_it_is_refused_with_one_that_has(
    shop, counts, monkeypatch
):
    counts(1e6, 1e6, 1e6)
    monkeypatch.setattr(sessions, "counting_seconds", lambda _: 500.0)
    said = inside(shop, "gate", "--suite", "instructions")
    assert "Counting the instructions of 1 benchmarks: about 8m20s, and up to twice that" in said.stderr
    said = inside(shop, "gate", "--suite", "instructions", "--budget", "5m")
    assert said.code == 2
    assert "The budget of 5m is too short: counting the instructions takes about 8m20s" in said.stderr
    assert "Give a budget of at least 1" in said.stderr


@needs_valgrind
@pytest.mark.proof
def test_half_a_per_cent_is_found_in_one_session_and_an_unrelated_change_is_not_one(shop):
    edit(
        shop,
        "class Shop:",
        "def help_out():\n    return {str(n): n for n in range(40)}\n\n\nTABLE = help_out()\n\n\nclass Shop:",
    )
    said = inside(shop, "gate", "--suite", "instructions", "--json")
    assert (said.code, json.loads(said.stdout)["verdict"]) == (0, "ok")
    edit(shop, "range(n)", "range(n + n // 200)")
    said = inside(shop, "gate", "--suite", "instructions", "--json")
    (one,) = json.loads(said.stdout)["comparisons"]
    assert (said.code, one["verdict"]) == (3, "regressed")
    assert one["change"] == pytest.approx(0.005, abs=0.001)
