"""`harness import`: results of other tools are shown, laid side by side, and never judged."""

import json

import pytest

from harness.imported.document import KIND
from tests.support.cli import inside
from tests.support.other_tools import document, jtl, written
from tests.support.run_builder import make_run


def runs_of(folder):
    return sorted((folder / "runs").iterdir())


def test_files_of_several_tools_stand_side_by_side_without_a_verdict(tmp_path):
    (tmp_path / "folder").mkdir()
    written(tmp_path / "folder", "0001_before.json", json.dumps(document()))
    written(tmp_path, "load.jtl", jtl(*[("buy", 10, "true")] * 30))
    said = inside(tmp_path, "import", "folder", "load.jtl")
    assert said.code == 0
    assert "never judged" in said.stdout
    assert "2 µs" in said.stdout
    assert "10 ms" in said.stdout
    assert len(runs_of(tmp_path)) == 2
    again = inside(tmp_path, "report", *runs_of(tmp_path), "--json")
    assert [run["kind"] for run in again.document["runs"]] == [KIND] * 2
    page = (runs_of(tmp_path)[0] / "report.html").read_text()
    assert "Medians side by side" in page
    assert not any(word in page for word in ("regressed", "better)", "worse)"))


def test_one_file_that_cannot_be_used_stops_all_before_a_run_is_made(tmp_path):
    written(tmp_path, "good.jtl", jtl(("buy", 10, "true")))
    written(tmp_path, "bad.jtl", "what")
    said = inside(tmp_path, "import", "good.jtl", "bad.jtl")
    assert (said.code, "bad.jtl" in said.error, (tmp_path / "runs").exists()) == (2, True, False)


@pytest.mark.parametrize("words", [("judge",), ("export",)])
def test_no_other_command_takes_imported_results_for_measured_ones(tmp_path, words):
    written(tmp_path, "load.jtl", jtl(("buy", 10, "true")))
    inside(tmp_path, "import", "load.jtl")
    (run,) = runs_of(tmp_path)
    assert inside(tmp_path, *words, run).code in {2, 5}
    assert inside(tmp_path, "report", run, make_run(tmp_path)).code == 2


def test_imported_runs_are_removed_like_others(tmp_path):
    written(tmp_path, "load.jtl", jtl(("buy", 10, "true")))
    inside(tmp_path, "import", "load.jtl")
    assert inside(tmp_path, "clean", "--older-than", "0s").code == 0
    assert runs_of(tmp_path) == []
