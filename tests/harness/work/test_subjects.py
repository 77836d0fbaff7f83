"""What an option says of a target wins over its project, and what a typed SPEC says wins over the option."""

import pytest

from harness.work.subjects import find_scenario, select

SETTINGS = """
[tool.harness]
target = "wsgi:shop:app?requests=own.jsonl&values=own.csv&engine=threads"
"""


@pytest.fixture
def parameters(tmp_path, monkeypatch):
    """Return a function from SPEC and options to the parameters of the target."""
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return lambda spec, given: dict(select(spec, find_scenario("closed"), (), given).spec.parameters)


def test_an_option_wins_over_the_target_that_the_project_names(parameters):
    given = {"requests": "journey.jsonl", "values": "customers.csv"}
    assert parameters(None, given) == {**given, "engine": "threads"}
    # The project's values are for the project's requests.
    assert parameters(None, {"requests": "journey.jsonl"}) == {
        "requests": "journey.jsonl",
        "engine": "threads",
    }
    assert parameters(None, {}) == {"requests": "own.jsonl", "values": "own.csv", "engine": "threads"}


def test_a_typed_spec_wins_over_an_option(parameters):
    assert parameters("wsgi:shop:app?requests=typed.jsonl", {"requests": "given.jsonl"}) == {
        "requests": "typed.jsonl"
    }
