"""`harness init` as a user meets it."""

import json

import pytest

from harness.cli import make_parser
from harness.errors import ExitCode
from harness.judge import policy_file
from tests.support.cli import inside
from tests.support.little_projects import DJANGO, SAM, write

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
CODE = "raise SystemExit('this file was imported')\n"


def commands(text):
    return [line.split()[1:] for line in text.partition("Next:\n")[2].splitlines()]


def test_an_application_gets_settings_and_requests_and_the_next_commands(tmp_path):
    folder = write(
        tmp_path / "shop", {"app.py": CODE + FLASK + "@app.get('/items/<int:id>')\ndef one(id): ..."}
    )
    said = inside(folder, "init")
    assert said.code == ExitCode.OK, said.stderr
    assert policy_file.read(folder).target == "wsgi:app:app"
    assert json.loads((folder / "requests.jsonl").read_text())["path"] == "/items/1"
    assert "Found a Flask application: wsgi:app:app" in said.stdout
    assert "harness run closed --users 4 --duration 10s" in said.stdout


EVERYTHING = {
    **DJANGO,
    **SAM,
    "locustfile.py": "from locust import HttpUser\nclass Visitor(HttpUser): ...",
    "benchmarks/test_sort.py": "def test_sort(benchmark): benchmark(sorted, [1])",
    "shop.py": FLASK + "@app.post('/a')\ndef a(): ...",
    "pyproject.toml": "[tool.harness]\n",
}


@pytest.mark.parametrize(
    "files", [{"app.py": FLASK}, DJANGO, SAM, EVERYTHING], ids=["flask", "django", "sam", "all"]
)
def test_the_text_is_short_and_each_next_command_is_one_that_there_is(tmp_path, files):
    said = inside(write(tmp_path / "project", files), "init")
    assert (said.code, said.stderr) == (ExitCode.OK, "")
    assert len(said.stdout.splitlines()) <= 15
    assert commands(said.stdout)
    for words in commands(said.stdout):
        _, unknown = make_parser(words).parse_known_args([word.strip("'") for word in words])
        assert unknown == []


def test_a_second_time_changes_nothing_and_shows_the_settings(tmp_path):
    folder = write(tmp_path / "project", SAM)
    inside(folder, "init")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    said = inside(folder, "init")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert said.code == ExitCode.OK
    assert '  target = "lambda:orders.app:lambda_handler"' in said.stdout
    assert "harness run closed --target 'lambda:orders.app:lambda_handler" in said.stdout


def test_as_json_it_is_one_document(tmp_path):
    found = inside(write(tmp_path / "project", SAM), "init", "--json").document
    assert found["target"] == "lambda:orders.app:lambda_handler?requests=events"
    assert found["written"] == ["events/get-orders.json", "events/get-orders-id.json", "pyproject.toml"]
    assert found["left_out"] == ["POST /orders"]


def test_a_framework_that_the_harness_cannot_import_is_named(tmp_path):
    text = "from litestar import Litestar\napp = Litestar([])"
    said = inside(write(tmp_path / "project", {"app.py": text}), "init")
    assert "litestar is not installed beside the harness" in said.stdout


def test_an_empty_folder_is_told_so_and_stays_empty(tmp_path):
    (tmp_path / "project").mkdir()
    said = inside(tmp_path / "project", "init")
    assert said.code == ExitCode.USAGE
    assert said.error.startswith("Found no web application")
    assert [*(tmp_path / "project").iterdir()] == []


def test_a_broken_policy_is_told_and_nothing_is_written(tmp_path):
    folder = write(tmp_path / "project", {"app.py": FLASK, "pyproject.toml": "[tool."})
    said = inside(folder, "init")
    assert said.code == ExitCode.USAGE
    assert "not valid TOML" in said.error
    assert not (folder / "requests.jsonl").exists()


def test_a_scenario_for_any_target_measures_the_one_that_init_has_written(tmp_path):
    folder = write(tmp_path / "project", {"app.py": FLASK})
    inside(folder, "init")
    (folder / "requests.jsonl").unlink()
    (folder / "app.py").write_text("app = None")
    said = inside(folder, "run", "closed", "--duration", "1s", "--no-report")
    assert said.code == ExitCode.USAGE
    assert "Timing wsgi:app:app?requests=requests.jsonl" in said.stderr
