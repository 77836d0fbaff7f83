"""The applications in `examples/`, measured as their authors would: by the settings that stand beside them."""

import shutil

import pytest

from harness.judge import policy_file
from harness.work.start.proposal import propose
from tests.support.cli import harness, measured
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


@pytest.mark.measures
@pytest.mark.parametrize("example", OPERATIONS, indirect=True)
def test_every_operation_of_an_example_is_measured_and_none_fails(example):
    said = harness(
        "run",
        "closed",
        "--users",
        "2",
        "--duration",
        "1s",
        "--warmup",
        "0s",
        "--json",
        "--no-report",
        cwd=example,
    )
    assert said.code == 0, said.stderr
    operations = said.run["operations"]
    assert set(operations) == OPERATIONS[example.name]
    assert all(found["count"] > 5 for found in operations.values())
    assert sum(found["failed"] for found in operations.values()) == 0
    if waits := WAITS.get(example.name):
        assert waits in (example / said.run["dir"] / "wait" / "wait.folded").read_text()
    assert len(measured(example / said.run["dir"])) == sum(found["count"] for found in operations.values())


@pytest.mark.measures
@pytest.mark.parametrize("example", ["flask_shop"], indirect=True)
def test_the_functions_of_an_example_are_named_in_its_profile(example):
    said = harness(
        "profile", "closed", "--kinds", "cpu", "--duration", "1s", "--json", "--no-report", cwd=example
    )
    assert said.code == 0, said.stderr
    stacks = [path.read_text() for path in example.glob("runs/*/**/cpu.folded")]
    assert any("put (shop.py);price_of (shop.py)" in text for text in stacks)


@pytest.mark.measures
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
    assert sum(found["failed"] for found in operations.values()) == 0


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_init_finds_in_an_example_is_what_its_settings_say(name):
    folder = ROOT / "examples" / name
    found, policy = propose(folder), policy_file.read(folder)
    assert (found.target, found.source_roots) == (policy.target, policy.source_roots)
    assert {"requests": found.requests} == policy_file.parameters(folder)
