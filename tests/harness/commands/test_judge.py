"""`harness judge` of several receipts, and the shard that `harness gate` asks for."""

import msgspec
import pytest

from harness.commands import gate as gate_command
from harness.errors import UsageError
from harness.judge.looks import Looks
from harness.session.receipt import Shard
from harness.session.receipt_file import write_receipt
from harness.session.shards import share_of
from tests.support.cli import inside
from tests.support.gate import make_shop
from tests.support.judge import POLICY, Simulation, simulated

NAMES = ["bench_a", "bench_b", "bench_c"]


def stored(folder, receipt):
    receipt.policy = msgspec.to_builtins(POLICY)
    folder.mkdir(parents=True)
    write_receipt(folder / "receipt.json", receipt)
    return folder


@pytest.fixture
def shards(tmp_path):
    places = []
    for number in (1, 2):
        shard = Shard(number=number, count=2, names=NAMES)
        simulation = Simulation(
            {name: 0.06 * (name == "bench_b") for name in sorted(share_of(shard))}, seed=number
        )
        simulation.receipt.shard = shard
        places.append(stored(tmp_path / f"shard-{number}", simulation.run(Looks(POLICY))))
    return places


def test_all_shards_give_one_verdict_in_a_folder_of_its_own(tmp_path, shards):
    before = {path: path.read_bytes() for shard in shards for path in shard.iterdir()}
    said = inside(tmp_path, "judge", *shards, "--json")
    assert (said.code, said.document["verdict"]) == (3, "regressed")
    walls = {
        one["benchmark"]: one["verdict"] for one in said.document["comparisons"] if one["metric"] == "wall"
    }
    assert walls == {"bench_a": "ok", "bench_b": "regressed", "bench_c": "ok"}
    assert said.document["receipts"] == [str(shard / "receipt.json") for shard in shards]
    (folder,) = (tmp_path / "runs").iterdir()
    assert {"report.html", "comment.md", "junit.xml"} <= {path.name for path in folder.iterdir()}
    assert {path: path.read_bytes() for shard in shards for path in shard.iterdir()} == before
    assert inside(tmp_path, "clean", "--older-than", "0s", "--json").code == 0
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_missing_shard_ends_with_5_and_a_doubled_one_with_2(tmp_path, shards):
    lost = next(shard for shard in shards if b'bench_b":{' not in (shard / "receipt.json").read_bytes())
    said = inside(tmp_path, "judge", lost, "--json")
    assert (said.code, "is missing" in said.document["reasons"][0]) == (5, True)
    said = inside(tmp_path, "judge", *shards, shards[0])
    assert (said.code, "both are shard 1/2" in said.error) == (2, True)


def test_receipts_of_unlike_sessions_are_refused_and_leave_nothing(tmp_path):
    pair = [stored(tmp_path / name, simulated({name: 0.0})) for name in ("a", "b")]
    said = inside(tmp_path, "judge", *pair)
    assert (said.code, "cannot be judged together" in said.error) == (2, True)
    assert not (tmp_path / "runs").exists()


def asked_for(shop, monkeypatch, *words):
    """Return the request that the gate would measure."""
    asked = []

    def keep(request, _talk):
        asked.append(request)
        raise UsageError("seen")

    monkeypatch.setattr(gate_command, "compare", keep)
    said = inside(shop, "gate", *words)
    return (asked or [said])[0]


def test_the_first_shard_alone_has_what_cannot_be_divided(tmp_path, monkeypatch):
    shop = make_shop(tmp_path / "shop")
    first = asked_for(shop, monkeypatch, "--suite", "all", "--shard", "1/2", "--scenario", "steady")
    other = asked_for(shop, monkeypatch, "--suite", "all", "--shard", "2/2", "--scenario", "steady")
    assert (first.shard, other.shard) == (Shard(number=1, count=2), Shard(number=2, count=2))
    assert ("load" in first.suites, first.driven is None) == (True, False)
    assert ("load" in other.suites, other.driven, other.load) == (False, None, None)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--shard", "0/2"), "'0/2' is not a shard"),
        (("--shard", "3/2"), "'3/2' is not a shard"),
        (("--shard", "2"), "'2' is not a shard"),
        (("--shard", "1/2", "--suite", "exact"), "--shard divides micro-benchmarks"),
        (
            ("bench_a", "--shard", "1/2"),
            "--shard divides the whole suite, and 'bench_a' selects a part of it",
        ),
    ],
)
def test_what_is_no_shard_is_refused(tmp_path, monkeypatch, words, sentence):
    said = asked_for(make_shop(tmp_path / "shop"), monkeypatch, *words)
    assert (said.code, sentence in said.error) == (2, True)
