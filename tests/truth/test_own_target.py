"""A target of the user's own, in a folder of the user's own that has `targets/` and `reports/` too."""

import collections
import json
import textwrap

import pytest

from tests.cli_support import document, harness, measured, table

SOURCE = """
import json

from reports.lines import line  # the user's own, not the harness's


class Shop:
    operations = {"read": 3, "write": 1}

    def __init__(self, log):
        self._log = open(log, "a", buffering=1)

    def _note(self, *words):
        self._log.write(line(*words))

    def open(self):
        self._note("open")

    def close(self):
        self._note("close")

    def make_event(self, operation, rng):
        return {"operation": operation, "number": rng.randrange(10**9)}

    def call(self, event):
        self._note("call", event["operation"], event["number"])
        return event["number"] % 10

    def outcome(self, digit):
        return {0: "failed", 1: "timed_out"}.get(digit, "completed")


def create(log):
    return Shop(log)
"""


@pytest.fixture
def shop(tmp_path):
    """A repository with folders of unlucky names."""
    for name in ("targets", "reports", "harness_like", "runs_of_mine"):
        (tmp_path / name).mkdir()
    source = textwrap.dedent(SOURCE)
    (tmp_path / "reports" / "view.py").write_text("raise ImportError('this is not the harness')\n")
    (tmp_path / "targets" / "registry.py").write_text("raise ImportError('this is not the harness')\n")
    (tmp_path / "targets" / "lines.py").write_text(
        "def line(*words):\n    return ' '.join(map(str, words)) + '\\n'\n"
    )
    (tmp_path / "targets" / "shop.py").write_text(source.replace("from reports.lines", "from lines"))
    (tmp_path / "harness_like" / "__init__.py").write_text("")
    (tmp_path / "harness_like" / "words.py").write_text(
        "def line(*words):\n    return ' '.join(map(str, words)) + '\\n'\n"
    )
    (tmp_path / "harness_like" / "shop.py").write_text(
        source.replace("from reports.lines", "from harness_like.words")
    )
    return tmp_path


def run_in(folder, spec, *options):
    said = harness(
        "run", "steady", "--target", f"{spec}?log={folder / 'log'}", "--rate", 300, "--duration", "1s",
        "--warmup", "200ms", "--json", *options, cwd=folder,
    )  # fmt: skip
    assert said.code in {0, 5}, said.stderr
    return said.run, [line.split() for line in (folder / "log").read_text().splitlines()]


@pytest.mark.parametrize(
    "spec", ["targets/shop.py:create", "targets.shop:create", "harness_like.shop:create"]
)
def test_a_target_is_found_opened_called_and_closed(shop, spec):
    run, log = run_in(shop, spec)
    assert [words[0] for words in (log[0], log[-1])] == ["open", "close"]
    noted = collections.Counter(words[0] for words in log)
    assert noted == {"open": 1, "close": 1, "call": len(table(shop / run["dir"]))}
    assert list((shop / "runs").iterdir()) == [shop / run["dir"]]


def test_operations_events_and_outcomes_are_the_targets_own(shop):
    run, log = run_in(shop, "targets/shop.py:create")
    rows = table(shop / run["dir"])
    calls = [(words[1], int(words[2])) for words in log if words[0] == "call"]
    # The plan's operations in the plan's order, in warm-up and after it.
    names = list(document(shop / run["dir"])["plan"]["operations"])
    assert [operation for operation, _ in calls] == [names[index] for index in rows["operation"]]
    in_time = [call for call, row in zip(calls, rows, strict=True) if row["intended_ns"] >= 0]
    for name in ("read", "write"):
        digits = [number % 10 for operation, number in in_time if operation == name]
        assert run["operations"][name]["count"] == len(digits)
        assert run["operations"][name]["failed"] == digits.count(0)
    digits = [number % 10 for _, number in in_time]
    assert run["outcomes"]["failed"] == digits.count(0)
    assert run["outcomes"]["timed_out"] == digits.count(1)
    # Weights of 3 to 1: four standard deviations of 300 draws.
    assert run["operations"]["read"]["count"] == pytest.approx(225, abs=30)


def test_the_same_seed_makes_the_same_calls(shop):
    _, first = run_in(shop, "targets/shop.py:create")
    (shop / "log").unlink()
    _, second = run_in(shop, "targets/shop.py:create")
    (shop / "log").unlink()
    _, other = run_in(shop, "targets/shop.py:create", "--seed", 2)
    assert first == second
    assert first != other


def test_a_target_in_a_folder_of_the_environment_is_not_shadowed(shop):
    (shop / "json.py").write_text("raise ImportError('this is not the standard library')\n")
    run, _ = run_in(shop, "targets/shop.py:create")
    assert len(measured(shop / run["dir"])) == 300
    assert json.loads((shop / run["dir"] / "run.json").read_text())["target"].startswith("targets/shop.py")
