"""From receipts of the gate to the files of other tools."""

import csv
import json

import msgspec
import pytest

from harness.judge.judge import judge
from harness.session.receipt_file import write_receipt
from harness.work.exporting_receipts import figures_of
from tests.support.cli import inside
from tests.support.judge import POLICY, count, of, simulated
from tests.support.run_builder import make_run


def stored(folder, seed=1, **fields):
    receipt = simulated({"a": 0.08, "b": 0.0}, seed=seed)
    receipt = msgspec.structs.replace(receipt, policy=msgspec.to_builtins(POLICY), **fields)
    folder.mkdir()
    write_receipt(folder / "receipt.json", receipt)
    return folder, receipt


def test_the_figures_are_the_candidates_with_the_interval_of_the_change(tmp_path):
    _, receipt = stored(tmp_path / "one", counts=[count([1, 1], [2, 2])])
    judged = judge(receipt, POLICY)
    figures = {(one.benchmark, one.metric): one for one in figures_of(judged)}
    wall, found = figures["a", "wall"], of(judged, "a")
    assert (wall.value, wall.note) == (found.candidate, "regressed")
    assert wall.low < wall.value < wall.high
    assert wall.high / wall.low == pytest.approx((1 + found.high) / (1 + found.low))
    assert figures["GET /a", "calls.dynamodb"].value == 2


def test_invalid_comparisons_have_no_figure_and_the_exit_code_says_so(tmp_path):
    folder, receipt = stored(tmp_path / "one")
    del receipt.blocks[1]
    write_receipt(folder / "receipt.json", receipt)
    said = inside(tmp_path, "export", folder)
    assert (said.code, "is invalid" in said.stderr + said.stdout) == (5, True)
    assert json.loads((folder / "export" / "bencher.json").read_text()) == {}


def test_every_format_is_written_and_one_table_holds_all_receipts(tmp_path):
    one, _ = stored(tmp_path / "one")
    two, _ = stored(
        tmp_path / "two", seed=2, started_at="2026-12-22T12:00:00+00:00", counts=[count([1, 1], [1, 1])]
    )
    words = [word for name in ("bencher", "github-benchmark", "otava") for word in ("--format", name)]
    said = inside(tmp_path, "export", one, two / "receipt.json", *words, "-o", "out", "--json")
    assert said.code == 0
    out = tmp_path / "out"
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    each = {"bencher.json", "github-smaller-is-better.json"}
    assert files == {"otava.csv", *(f"{name}/{file}" for name in ("one", "two") for file in each)}
    assert {file for export in said.document["exports"] for file in export["files"]} == {
        f"out/{name}" for name in files
    }
    head, *rows = csv.reader((out / "otava.csv").read_text().splitlines())
    assert "a wall" in head
    assert [row[0][:10] for row in rows] == ["2026-11-22", "2026-12-22"]
    assert "GET /a calls.dynamodb" not in head
    assert "GET /a calls.dynamodb" in said.stderr


def test_runs_and_receipts_are_not_mixed(tmp_path):
    run, (session, _) = make_run(tmp_path), stored(tmp_path / "one")
    for words in ((run, session), (run, "--format", "bencher"), (session, "--format", "hgrm")):
        assert inside(tmp_path, "export", *words).code == 2
