"""The applications in `examples/`, measured as their authors would: by the settings that stand beside them."""

import json
import re
import shutil
from collections import Counter

import pytest

from harness.judge import policy_file
from harness.model import Outcome
from harness.work.start.proposal import propose
from tests.support.cli import facts, harness, inside, measured, table
from tests.support.paths import ROOT
from tests.support.tolerant import TOLERANT

OPERATIONS = {
    "flask_shop": {"GET /products", "GET /products/{id}", "GET /products/{id} (unknown)", "POST /baskets/{name}"},
    "django_shop": {
        "GET /products/", "GET /products/{id}/", "GET /products/{id}/ (unknown)", "POST /products/{id}/raise/",
    },
    "sam_orders": {"make-order", "show-order"},
    "fastapi_shop": {"GET /products/{id}", "GET /products/{id} (unknown)", "POST /orders", "GET /labels/{id}"},
}  # fmt: skip
WAITS = {"fastapi_shop": "Store.fetch (main.py)"}


@pytest.fixture
def example(request, tmp_path):
    folder = shutil.copytree(ROOT / "examples" / request.param, tmp_path / request.param)
    with (folder / "pyproject.toml").open("a") as file:
        file.write(TOLERANT)
    return folder


@pytest.mark.parametrize("example", OPERATIONS, indirect=True)
def test_every_operation_of_an_example_is_measured_and_none_fails(example):
    pace = ("--users", 2, "--think-time", "5ms", "--duration", "2s", "--warmup", "0s")
    said = inside(example, "run", "closed", *pace, "--json", "--no-report")
    assert said.code == 0, said.stderr
    operations = said.run["operations"]
    assert set(operations) == OPERATIONS[example.name]
    assert all(found["count"] > 0 for found in operations.values())
    # Nothing tells init that a basket is shown to those alone who have logged in.
    assert {name for name, found in operations.items() if found["failed"]} <= {"GET /basket"}
    if waits := WAITS.get(example.name):
        assert waits in (example / said.run["dir"] / "wait" / "wait.folded").read_text()
    assert len(measured(example / said.run["dir"])) == sum(found["count"] for found in operations.values())


JOURNEY = ["POST /login", "GET /products", "GET /products/{product}", "POST /baskets/{name}", "GET /basket"]
FOLDED = re.compile(r"(?<=/products/)\d+|(?<=/baskets/)\w+")
LOGGED = """
import json

@app.after_request
def log(answer):
    with open("asked.jsonl", "a") as file:
        print(json.dumps([request.method, request.path, request.headers.get("Authorization", ""), answer.status_code,
            answer.get_json()]), file=file)
    return answer
"""


@pytest.mark.parametrize("example", ["flask_shop"], indirect=True)
@pytest.mark.parametrize(
    "load", [("closed", "--users", "3"), ("steady", "--rate", "15")], ids=lambda load: load[0]
)
def test_users_of_the_shop_log_in_and_browse_and_the_shops_own_log_agrees_with_the_table(example, load):
    with (example / "shop.py").open("a") as file:
        file.write(LOGGED)
    said = inside(
        example, "run", *load, "--duration", "1500ms", "--warmup", "0s", "--json", "--no-report",
        "--requests", "journey.jsonl", "--values", "customers.csv",
    )  # fmt: skip
    assert said.code == 0, said.stderr
    asked = [json.loads(line) for line in (example / "asked.jsonl").read_text().splitlines()]
    rows, journeys = table(example / said.run["dir"]), facts(example / said.run["dir"])["journeys"]
    assert (rows["outcome"] == Outcome.COMPLETED).sum() == len(asked) > 30
    names = list(said.run["operations"])
    made = Counter(names[number] for number in rows["operation"][rows["outcome"] == Outcome.COMPLETED])
    folded = Counter(f"{method} {FOLDED.sub('{id}', path)}" for method, path, *_ in asked)
    assert folded == {
        name.replace("{product}", "{id}").replace("{name}", "{id}"): n for name, n in made.items()
    }
    assert journeys["steps"] == JOURNEY
    assert journeys["abandoned"] == [0] * 5
    assert journeys["completed"] == made["GET /basket"]
    assert journeys["started"] == made["POST /login"]
    # Each basket is that of the customer who got the token, and all customers came.
    tokens = {answer["token"] for _, path, _, _, answer in asked if path == "/login"}
    shown = [
        authorization.removeprefix("Bearer ") for _, path, authorization, *_ in asked if path == "/basket"
    ]
    assert len(set(shown)) == len(shown)
    assert set(shown) <= tokens
    assert {answer["customer"] for *_, answer in asked if "customer" in answer} == {"ada", "bob", "eve"}
    kept = [path.read_bytes() for path in example.glob("runs/**/*") if path.is_file()]
    assert not any(token.encode() in content for content in kept for token in tokens)


@pytest.mark.measures
@pytest.mark.parametrize("example", ["flask_shop"], indirect=True)
def test_the_functions_of_an_example_are_named_in_its_profile(example):
    said = inside(example, "profile", "closed", "--kinds", "cpu", "--duration", "1s", "--json", "--no-report")
    assert said.code == 0, said.stderr
    stacks = [path.read_text() for path in example.glob("runs/*/**/cpu.folded")]
    assert any("put (shop.py);price_of (shop.py)" in text for text in stacks)


@pytest.mark.parametrize("example", ["flask_shop", "sam_orders"], indirect=True)
def test_what_init_writes_for_an_example_can_be_run_as_init_says(example):
    for name in ("pyproject.toml", "requests.jsonl"):
        (example / name).unlink(missing_ok=True)
    shutil.rmtree(example / "events", ignore_errors=True)
    command, *_ = harness("init", "--json", cwd=example).document["next"]
    with (example / "pyproject.toml").open("a") as file:
        file.write(TOLERANT)
    said = harness(*command.replace("10s", "1s").split()[1:], "--json", "--no-report", cwd=example)
    assert said.code == 0, said.stderr
    operations = said.run["operations"]
    assert operations
    # Nothing tells init that a basket is shown to those alone who have logged in.
    assert {name for name, found in operations.items() if found["failed"]} <= {"GET /basket"}


@pytest.mark.usefixtures("nothing_imported")
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_init_finds_in_an_example_is_what_its_settings_say(name):
    folder = ROOT / "examples" / name
    found, policy = propose(folder), policy_file.read(folder)
    assert (found.target, found.source_roots) == (policy.target, policy.source_roots)
    assert {"requests": found.requests} == policy_file.parameters(folder)
