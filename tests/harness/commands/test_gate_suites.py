"""What `harness gate` says of suites that hold less than they seem to: skips, faults of other tests, nothing to compare."""

import json

import pytest

from harness.cli import main
from harness.judge.verdict import Verdict
from harness.work import sessions
from tests.support.cli import sentence_of
from tests.support.gate import make_shop, without_target
from tests.support.git import git

BROKEN = (
    "from shop import work, no_such_name\n\n\ndef test_total(benchmark):\n    benchmark(work.total, 10)\n"
)
SKIPPED = (
    "import pytest\n\n\n@pytest.mark.skip(reason='later')\ndef test_total(benchmark):\n    benchmark(int)\n"
)
NEVER = (
    "import pytest\n\npytest.importorskip('no_numpy')\n\n\ndef test_total(benchmark):\n    benchmark(int)\n"
)
FRESH = "from shop.work import fresh\n\n\ndef test_fresh(benchmark):\n    benchmark(fresh)\n"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The shop, with no more of it measured than it takes to see what there is."""
    folder = make_shop(tmp_path / "shop")
    without_target(folder)
    monkeypatch.chdir(folder)

    def measured_anyway(*_):
        raise AssertionError("nothing can be compared, and yet it is measured")

    for name in ("trace_suite", "count_exactly", "trace_exactly", "explain"):
        monkeypatch.setattr(sessions, name, measured_anyway)
    monkeypatch.setattr(sessions.MicroSession, "_blocks", measured_anyway)
    return folder


def gate(capsys, *words):
    code = main(["gate", "--json", *words])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


@pytest.mark.parametrize(
    ("files", "code", "cause"),
    [
        ({"test_work.py": SKIPPED}, 5, "test_work.py::test_total is skipped: later"),
        ({"test_work.py": NEVER}, 5, "could not import 'no_numpy'"),
        ({"test_work.py": BROKEN}, 5, "cannot import name 'no_such_name'"),
        ({"conftest.py": "import no_such_module\n"}, 5, "No module named 'no_such_module'"),
    ],
)
def test_where_nothing_can_be_compared_the_gate_ends_at_once_with_the_cause(shop, capsys, files, code, cause):
    for name, text in files.items():
        (shop / "benchmarks" / name).write_text(text)
    got, found, said = gate(capsys, "--suite", "micro")
    assert got == code
    assert cause in (sentence_of(found) if "error" in found else " ".join(found["reasons"]))
    assert cause in " ".join(said.split())
    assert found.get("verdict", Verdict.INVALID) == Verdict.INVALID


def test_a_suite_that_never_had_a_benchmark_is_a_mistake_of_the_user(shop, capsys):
    (shop / "benchmarks" / "test_work.py").write_text("def test_nothing(): pass\n")
    git(shop, "commit", "-q", "-a", "-m", "no benchmark")
    code, found, _ = gate(capsys)
    assert (code, "no test takes the fixture" in sentence_of(found)) == (2, True)
    assert not list((shop / "runs").glob("*"))


def test_where_all_is_new_the_reason_is_the_bases(shop, capsys):
    (shop / "benchmarks" / "test_work.py").unlink()
    (shop / "benchmarks" / "test_fresh.py").write_text(FRESH)
    (shop / "shop" / "work.py").write_text(
        (shop / "shop" / "work.py").read_text() + "\ndef fresh():\n    pass\n"
    )
    code, found, said = gate(capsys, "--suite", "micro")
    assert (code, found["verdict"]) == (5, "invalid")
    assert "on the base it fails: ImportError: cannot import name 'fresh'" in " ".join(found["reasons"])
    assert "cannot import name 'fresh'" in " ".join(said.split())
