"""A web application of the user's own as a target: one line, and every number is the application's."""

import json
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.profiles.stacks.folded import read_folded
from tests.support.cli import document, inside

SHOP = """
import json

REASONS = {"200": "OK", "404": "Not Found", "500": "Oh no", "201": "Created"}

def app(environ, start_response):
    environ["wsgi.input"].read()
    path = environ.pop("PATH_INFO")
    if path == "/raises":
        raise KeyError("basket")
    if path.startswith("/items/"):
        print("seen", environ["HTTP_AUTHORIZATION"].partition(" ")[2])
        assert environ["HTTP_AUTHORIZATION"] == "Bearer s3cr3t-of-the-shop"
        return answer(start_response, "200", priced(int(path.rpartition("/")[2])))
    return answer(start_response, {"/made": "201", "/gone": "404", "/fails": "500"}.get(path, "200"), [])

def priced(number):
    return [str(one) * 10 for one in range(number)]

def answer(start_response, status, body):
    start_response(f"{status} {REASONS[status]}", [])
    return [json.dumps(body).encode()]

def create(size):
    return app

def many(environ, start_response):
    priced(90)
    return app(environ, start_response)

def handler(event, context):
    event["seen"] = event.get("seen", 0) + 1
    return {"statusCode": 200 if event["seen"] == 1 else 500}
"""
REQUESTS = [
    {"path": "/items/{number}", "weight": 6, "headers": {"Authorization": "Bearer ${SHOP_TOKEN}"}},
    {"method": "POST", "path": "/made", "json": {"a": 1}, "expect": 201},
    {"operation": "gone", "path": "/gone", "expect": 404},
    {"path": "/fails"},
    {"path": "/raises"},
]
POLICY = '[tool.harness]\ntarget = "wsgi:shop:app"\nrequests = "requests.jsonl"\nvalues = "values.csv"\n'
SECRET = "s3cr3t-of-the-shop"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A repository with an application, its requests, and a policy that names both."""
    folder = tmp_path_factory.mktemp("shop") / "here"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP)
    (folder / "requests.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in REQUESTS))
    (folder / "values.csv").write_text("number\n3\n4\n")
    (folder / "pyproject.toml").write_text(POLICY)
    return folder


@pytest.fixture(scope="module")
def ran(shop):
    """A run of the target that the project names, with its requests and a secret of the environment."""
    words = ("run", "closed", "--users", 4, "--duration", "400ms", "--warmup", "100ms", "--json")
    return inside(shop, *words, SHOP_TOKEN=SECRET)


def test_the_target_that_the_project_names_is_said(ran):
    assert "Target: wsgi:shop:app?requests=requests.jsonl&values=values.csv, as [tool.harness]" in ran.stderr


def test_each_request_is_judged_by_what_it_expects(ran):
    operations = ran.run["operations"]
    failed = {name: one["failed"] > 0 for name, one in operations.items()}
    assert failed == {
        "GET /items/{number}": False, "POST /made": False, "gone": False, "GET /fails": True, "GET /raises": True,
    }  # fmt: skip
    assert "unless a request expects other statuses" in ran.run["judged_by"]


def test_a_failure_gives_the_status_or_the_exception(ran):
    reasons = {one["operation"]: (one["what"], one["where"], one["example"]) for one in ran.run["failures"]}
    assert reasons["GET /fails"] == ("500 Internal Server Error", "", "")
    what, where, example = reasons["GET /raises"]
    assert (what, example) == ("KeyError", "'basket'")
    assert where.startswith("app (shop.py:")


def test_requests_are_mixed_by_their_weights(ran):
    counts = {name: one["count"] for name, one in ran.run["operations"].items()}
    assert 0.5 < counts["GET /items/{number}"] / sum(counts.values()) < 0.7


def test_no_secret_is_in_the_run_directory(ran, shop):
    files = [path for path in shop.rglob("*") if path.is_file() and "runs" in path.parts]
    assert any(path.name == "run.json" for path in files)
    assert any("seen " in path.read_text() for path in files if path.name == "worker.log")
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    assert SECRET not in f"{ran.stdout}{ran.stderr}"


def test_profiles_name_the_functions_of_the_user_and_none_of_the_adapter(shop):
    words = ("profile", "closed", "--users", 1, "--duration", "200ms", "--kinds", "memory", "--rounds", 1)
    said = inside(shop, *words, "--target", "wsgi:shop:app", "--no-report", "--json", "--out", "profiled", SHOP_TOKEN=SECRET)  # fmt: skip
    assert said.code in {ExitCode.OK, ExitCode.INVALID}
    (file,) = (shop / "profiled").glob("*/memory/memory.folded")
    stacks = read_folded(file).by_operation()["GET /items/{number}"].stacks
    frames = {name for stack in stacks for name in stack}
    assert any(name.startswith("priced") and name.endswith("(shop.py)") for name in frames)
    assert not [name for name in frames if "adapters/" in name]
    assert {stack[0] for stack in stacks if len(stack) > 1} <= {"app (shop.py)"}


def test_two_applications_are_compared_by_exact_counts(shop):
    sides = ("target:wsgi:shop:app", "target:wsgi:shop:many")
    (shop / "one.jsonl").write_text('{"path": "/"}\n')
    options = ("--requests", "one.jsonl", "--suite", "exact", "--no-report", "--json")
    said = inside(shop, "compare", *sides, *options)
    assert said.code == ExitCode.LIMIT_BROKEN, said.stderr
    (row,) = [one for one in said.document["comparisons"] if one["metric"] == "allocations"]
    assert (row["benchmark"], row["verdict"]) == ("GET /", "regressed")


def test_a_handler_that_changes_its_event_gets_the_next_one_as_it_was_made(shop):
    (shop / "events.jsonl").write_text('{"name": "order"}\n')
    words = (
        "run",
        "closed",
        "--users",
        1,
        "--duration",
        "1s",
        "--warmup",
        "100ms",
        "--no-report",
        "--json",
    )
    said = inside(shop, *words, "--target", "lambda:shop.handler?requests=events.jsonl")
    assert said.run["operations"]["handler"]["failed"] == 0
    assert said.run["events_changed"] > 0


def test_what_is_not_used_of_a_file_is_said(shop):
    entries = [
        {"request": {"method": "GET", "url": url}} for url in ("http://a.example/", "http://b.example/x")
    ]
    (shop / "seen.har").write_text(json.dumps({"log": {"entries": entries}}))
    words = ("run", "closed", "--users", 1, "--duration", "200ms", "--warmup", "100ms", "--no-report")
    said = inside(shop, *words, "--target", "wsgi:shop:app?requests=seen.har")
    assert "1 of 2 recorded requests are used: those to a.example, not b.example (1)" in " ".join(
        said.stdout.split()
    )
    (directory,) = [
        path.parent for path in Path(shop / "runs").glob("*/run.json") if document(path.parent).get("remarks")
    ]
    assert directory


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("wsgi:shop:create", "takes (size), not (environ, start_response)"),
        ("lambda:shop.handler", "The handler 'shop.handler' has no events"),
    ],
)
def test_bad_input_is_one_sentence(shop, spec, said):
    words = ("run", "closed", "--target", spec, "--users", 1, "--duration", "200ms", "--no-report")
    refused = inside(shop.parent, *words)
    assert refused.code == ExitCode.USAGE
    assert said in refused.error or "cannot be imported" in refused.error
