"""The target of a command: the SPEC's own parameters win over options, and those over the project's settings."""

import pytest

from harness.errors import UsageError
from harness.work.subjects import find_scenario, select

SCENARIO = find_scenario("closed")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a function that writes the project's settings into the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(*lines):
        (tmp_path / "pyproject.toml").write_text("[tool.harness]\n" + "".join(f"{line}\n" for line in lines))

    return write


def parameters(spec, **given):
    return dict(select(spec, SCENARIO, (), given).spec.parameters)


def test_the_spec_wins_over_options_and_those_over_the_project(project):
    project('requests = "project.jsonl"', 'engine = "threads"')
    assert parameters("wsgi:shop:app") == {"requests": "project.jsonl", "engine": "threads"}
    assert parameters("wsgi:shop:app", requests="option.jsonl")["requests"] == "option.jsonl"
    assert (
        parameters("wsgi:shop:app?requests=spec.jsonl", requests="option.jsonl")["requests"] == "spec.jsonl"
    )


def test_the_projects_values_go_with_the_projects_requests(project):
    project('requests = "project.jsonl"', 'values = "project.csv"')
    assert parameters("wsgi:shop:app") == {"requests": "project.jsonl", "values": "project.csv"}
    assert parameters("wsgi:shop:app", requests="option.jsonl") == {"requests": "option.jsonl"}
    assert parameters("wsgi:shop:app", values="option.csv")["values"] == "option.csv"


def test_a_factory_gets_none_of_the_projects_requests(project):
    project('requests = "project.jsonl"', 'engine = "threads"')
    assert parameters("shop:create") == {"engine": "threads"}


def test_the_projects_requests_are_for_targets_of_the_kind_of_its_own(project):
    project('requests = "project.jsonl"', 'values = "project.csv"', 'target = "wsgi:shop:app"')
    both = {"requests": "project.jsonl", "values": "project.csv"}
    assert parameters("asgi:shop:app") == parameters("wsgi:shop:other") == both
    assert parameters("call:shop:price") == parameters("lambda:shop.handler") == {}


def test_the_project_names_the_target_where_nobody_else_does(project):
    project('target = "wsgi:shop:app"')
    chosen = select(None, SCENARIO, ())
    assert chosen.spec.name == "wsgi:shop:app"
    assert chosen.remark == "Target: wsgi:shop:app, as [tool.harness] in pyproject.toml names it."
    assert select("wsgi:shop:other", SCENARIO, ()).remark == ""
    assert select(None, find_scenario("asset-read"), ()).spec.name == "asset-core"


def test_without_a_project_the_target_is_a_known_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = select(None, SCENARIO, ())
    assert (chosen.spec.name, chosen.remark) == ("known:constant", "")


def test_processes_get_absolute_names_of_files_and_people_those_that_they_wrote(project, tmp_path):
    project()
    chosen = select("wsgi:shop:app?requests=r.jsonl", SCENARIO, ())
    assert chosen.parameters("") == {"requests": str(tmp_path / "r.jsonl")}
    assert chosen.spec.shown == "wsgi:shop:app?requests=r.jsonl"


@pytest.mark.parametrize("line", ["requests = 7", 'values = ""', "engine = []"])
def test_settings_that_are_no_text_are_refused_by_name(project, line):
    project(line)
    with pytest.raises(UsageError, match=f"The policy's {line.partition(' ')[0]} is not a text"):
        select("wsgi:shop:app", SCENARIO, ())


def test_an_option_wins_over_the_parameters_of_the_target_that_the_project_names(project):
    project('target = "wsgi:shop:app?requests=own.jsonl&values=own.csv&engine=threads"')
    given = {"requests": "journey.jsonl", "values": "customers.csv"}
    assert parameters(None) == {"requests": "own.jsonl", "values": "own.csv", "engine": "threads"}
    assert parameters(None, **given) == {**given, "engine": "threads"}
    assert parameters(None, requests="journey.jsonl") == {"requests": "journey.jsonl", "engine": "threads"}
