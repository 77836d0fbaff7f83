"""A target of the user's own, in a folder of the user's own that has `targets/` and `reports/` too."""

import collections

import pytest

from tests.support.cli import document, harness, inside, table

SOURCE = """
from WHERE import line


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


WORDS = "def line(*words):\n    return ' '.join(map(str, words)) + '\\n'\n"
SPECS = ["targets/shop.py:create", "targets.shop:create", "harness_like.shop:create"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A repository with folders and files of unlucky names."""
    tmp_path = tmp_path_factory.mktemp("shop")
    for name in ("targets", "reports", "reports/run", "harness_like"):
        (tmp_path / name).mkdir()
    alien = "raise ImportError('this is neither the harness nor the standard library')\n"
    for name in ("reports/run/view.py", "targets/registry.py", "json.py"):
        (tmp_path / name).write_text(alien)
    (tmp_path / "targets" / "words.py").write_text(WORDS)
    (tmp_path / "targets" / "shop.py").write_text(SOURCE.replace("WHERE", "words"))
    (tmp_path / "harness_like" / "__init__.py").write_text("")
    (tmp_path / "harness_like" / "words.py").write_text(WORDS)
    (tmp_path / "harness_like" / "shop.py").write_text(SOURCE.replace("WHERE", "harness_like.words"))
    return tmp_path


@pytest.fixture(scope="module")
def runs(shop):
    """One run by each of the ways to name the target: what the harness says, and the target's own log.

    The first is a process of its own, as the user's: it finds the folder's files before those of the library.
    """
    return {spec: run_in(shop, spec, is_process=spec == SPECS[0]) for spec in SPECS}


def run_in(folder, spec, *options, is_process=False):
    log = folder / "log"
    log.unlink(missing_ok=True)
    words = (
        "run", "steady", "--target", f"{spec}?log={log}", "--rate", 600, "--duration", "500ms",
        "--warmup", "100ms", "--json", *options,
    )  # fmt: skip
    said = harness(*words, cwd=folder) if is_process else inside(folder, *words)
    assert said.code in {0, 5}, said.stderr
    return said.run, [line.split() for line in log.read_text().splitlines()]


@pytest.mark.parametrize("spec", SPECS)
def test_a_target_is_found_opened_called_and_closed(runs, shop, spec):
    run, log = runs[spec]
    assert run["target"].startswith(f"{spec}?log=")
    assert [log[0], log[-1]] == [["open"], ["close"]]
    noted = collections.Counter(words[0] for words in log)
    assert noted == {"open": 1, "close": 1, "call": len(table(shop / run["dir"]))}


def test_runs_go_below_the_folder_of_the_user(runs, shop):
    assert set((shop / "runs").iterdir()) >= {shop / run["dir"] for run, _ in runs.values()}


def test_operations_events_and_outcomes_are_the_targets_own(runs, shop):
    run, log = runs[SPECS[0]]
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


def test_a_seed_makes_the_same_calls_and_another_seed_others(runs, shop):
    first, second, third = (log for _, log in runs.values())
    assert first == second == third
    _, other = run_in(shop, SPECS[0], "--seed", 2)
    assert first != other
