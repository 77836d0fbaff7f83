"""The table of the core's speed: its figures on targets of known truth. How fast this machine is, is not tested."""

import itertools
import re

import pytest

from scenarios.micro import bench_core
from scenarios.micro.bench_core import Bench, Timed, ingest, l3_miss, main, process
from targets.asset_core.core import Core
from targets.asset_core.stores.memory import World


class Worse(Bench):
    """The same core with patterns switched off."""

    off = ""

    def plan(self, stores, switches=""):
        return super().plan(stores, ",".join(filter(None, (switches, self.off))))


@pytest.fixture
def brief(monkeypatch):
    """As little work as there can be, and a function that puts another bench in its place."""
    brief = {"ROUNDS": 2, "CALLS": 20, "MISSES": 3, "LATENCY_S": 0.005, "INGESTED": (25, 60)}
    for name, value in (brief | {"FEW": 100, "MANY": 300, "FEW_ROUNDS": 2}).items():
        monkeypatch.setattr(bench_core, name, value)

    def worse(switches):
        monkeypatch.setattr(Worse, "off", switches)
        monkeypatch.setattr(bench_core, "Bench", Worse)
        return Worse()

    return worse


def test_all_four_queries_of_a_miss_are_timed():
    bench = Bench()
    stores = Timed(World(bench.inventory))
    core = Core(bench.plan(stores), lambda _line: None)
    core.open()
    tenant, asset_id = bench.inventory.identity(0)
    token = bench.issuer.token(tenant, "ada", role="viewer", use="id")
    headers = {"Authorization": f"Bearer {token}"}
    core.handler({"httpMethod": "GET", "path": f"/assets/{asset_id}", "headers": headers})
    core.close()
    assert len(stores.queries_ns) == 4


def test_queries_that_follow_one_another_take_far_longer_than_the_slowest_of_them(brief):
    (row,) = l3_miss(brief("parallel_fetch:off"))
    assert row.ratio > 1.15
    assert not row.met


@pytest.mark.parametrize("switches", ["", "batch_writes:off"])
def test_an_ingest_is_held_against_the_fewest_writes_that_its_items_fit_into(brief, switches):
    *batches, trips = ingest(brief(switches))
    items = [int(re.search(r"([0-9,]+) items", row.what)[1].replace(",", "")) for row in batches]
    fewest = [-(-each // 25) for each in items]
    writes = items if switches else fewest
    assert [row.ratio for row in batches] == [
        each / least for each, least in zip(writes, fewest, strict=True)
    ]
    assert [row.met for row in batches] == [not switches] * 2
    assert trips.ratio <= 1
    assert trips.met


def test_more_ids_that_take_more_memory_are_seen(brief, monkeypatch):
    bench = brief("")
    make, kept = bench.resources, []

    def hoarding():
        resources, stores = make()
        release = resources.processor.release
        object.__setattr__(resources, "processor", Hoard(resources.processor, release))
        return resources, stores

    class Hoard:
        def __init__(self, processor, release):
            self.process, self.executor, self._release = processor.process, processor.executor, release

        def release(self, outcomes):
            self._release(outcomes)
            kept.append(bytearray(10_000))

    monkeypatch.setattr(bench, "resources", hoarding)
    (row,) = process(bench)
    assert row.ratio > 1.2
    assert not row.met


def test_each_target_is_a_line_with_its_floor_and_a_missed_one_ends_with_1(brief, capsys):
    brief("batch_writes:off")
    assert main() == 1
    lines = capsys.readouterr().out.splitlines()
    names = ["L1 hit", "L3 miss", "Token", "Ingest of", "Ingest of", "Ingest, graph", "process_assets"]
    for line, name in itertools.zip_longest(lines, names, fillvalue=""):
        assert line.startswith(name)
        assert re.search(r" [0-9.,]+ ×   goal ", line), line
    assert [line.endswith("MISSED") for line in lines[3:6]] == [True, True, False]
