"""`harness index` from outside: what is on its page, and that it follows what happens beside it."""

import json

from harness.storage import folder
from tests.support.cli import inside
from tests.support.ledgers import stored
from tests.support.micro_builder import entry, make_micro_run
from tests.support.run_builder import make_run


def session(runs, number, changes):
    """A session's folder as the gate makes it."""
    place = runs / f"20261130T1200{number:02d}Z-gate-00000{number}"
    folder.make(place, folder.SESSION)
    made = stored(runs.parent, number, changes, seed=1)
    made.replace(place / "receipt.json")
    (place / "report.html").write_text("a page")
    folder.finish(place, folder.SESSION)
    return place


def test_the_page_has_every_run_and_session_with_its_verdict_and_figures(tmp_path):
    runs = tmp_path / "runs"
    good, bad = session(runs, 1, {"a": 0.0}), session(runs, 2, {"a": 0.1})
    make_run(runs)
    make_micro_run(runs, entry("test_a.py::test_one", 0.005))
    said = inside(tmp_path, "index", "--json")
    assert said.code == 0
    found = {one["name"]: one for one in said.document["entries"]}
    assert {one["kind"] for one in found.values()} == {"load", "micro", "session"}
    assert (found[good.name]["word"], found[bad.name]["word"], found[bad.name]["exit_code"]) == (
        "ok",
        "regressed",
        3,
    )
    assert found[bad.name]["report"] == f"{bad.name}/report.html"
    names = [one["name"] for one in said.document["entries"] if one["kind"] == "session"]
    assert names == [bad.name, good.name]
    (load,) = [one for one in found.values() if one["kind"] == "load"]
    assert {"throughput", "p50"} <= {name for name, _ in load["figures"]}
    page = (runs / "index.html").read_text()
    assert f'href="{bad.name}/report.html"' in page
    assert page.index(bad.name) < page.index(good.name)
    assert "2 regressed" not in page


def test_what_is_damaged_foreign_or_hostile_is_shown_as_that_and_breaks_nothing(tmp_path):
    runs = tmp_path / "runs"
    place = session(runs, 1, {"a": 0.0})
    (place / "receipt.json").write_text('{"schema": 2, "command": "<script>alert(1)</script>"')
    (runs / "mine").mkdir()
    (runs / "mine" / "notes.txt").write_text("of the user")
    (runs / "link").symlink_to(place)
    odd = session(runs, 2, {"a": 0.0})
    odd.rename(runs / "20261130T120009Z-<img src=x>'\"%2e-000009")
    said = inside(tmp_path, "index", "--json")
    found = {one["name"]: one for one in said.document["entries"]}
    assert len(found) == 2
    assert found[place.name]["word"] == "unreadable"
    assert "damaged" in found[place.name]["reason"]
    page = (runs / "index.html").read_text()
    assert "<img" not in page
    assert "<script>alert" not in page
    assert 'href="20261130T120009Z-%3Cimg%20src%3Dx%3E%27%22%252e-000009/report.html"' in page


def test_only_what_changed_is_read_again(tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    place = session(runs, 1, {"a": 0.0})
    inside(tmp_path, "index")
    from harness.work import indexing

    seen = []
    read = indexing.read_entry
    monkeypatch.setattr(indexing, "read_entry", lambda path: seen.append(path.name) or read(path))
    inside(tmp_path, "index")
    assert seen == []
    document = json.loads((place / "receipt.json").read_text())
    (place / "receipt.json").write_text(json.dumps(document | {"interrupted": True}))
    assert inside(tmp_path, "index", "--json").document["entries"][0]["word"] == "inconclusive"
    assert seen == [place.name]
    (runs / ".index.json").write_text("torn")
    assert inside(tmp_path, "index", "--json").document["entries"][0]["word"] == "inconclusive"


def test_the_page_follows_runs_and_removals_where_it_exists_and_nowhere_else(tmp_path):
    words = ("run", "steady", "--target", "known:noop", "--rate", 20, "--duration", "200ms", "--no-report")
    inside(tmp_path, *words)
    assert not (tmp_path / "runs" / "index.html").exists()
    inside(tmp_path, "index")
    inside(tmp_path, *words)
    assert (tmp_path / "runs" / "index.html").read_text().count("<tr data-search") == 2
    inside(tmp_path, "clean", "--older-than", "1ms")
    assert "There is no run and no session yet" in (tmp_path / "runs" / "index.html").read_text()


def test_a_folder_that_is_not_there_is_an_error_of_use(tmp_path):
    said = inside(tmp_path, "index", "nowhere")
    assert (said.code, "There is no such folder" in said.error) == (2, True)
