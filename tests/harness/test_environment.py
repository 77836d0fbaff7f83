"""Facts of the environment, and which of them must agree before stored runs are compared."""

import json
import os

import pytest

import harness
from harness import environment
from tests.support.git import git


@pytest.fixture
def checkout(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def commit_of(folder):
    return environment.collect(folder)["commit"]


def test_the_facts_are_plain_json():
    facts = environment.collect()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert facts["harness"] == harness.__version__
    assert facts["cores"] == os.cpu_count()


def test_every_fact_of_the_fingerprint_is_collected():
    facts = environment.collect()
    assert all(facts[name] for name in environment.FINGERPRINT)
    assert {"locust", "gevent", "boto3"} <= set(facts["packages"])


def test_machine_kernel_interpreter_and_packages_must_agree():
    assert environment.FINGERPRINT == ("cpu", "cores", "kernel", "python", "packages")


def test_what_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("locust", "a-package-that-is-not-there"))
    assert list(environment.collect()["packages"]) == ["locust"]


def test_no_secret_of_the_environment_is_a_fact(monkeypatch):
    monkeypatch.setenv("REDIS_PASSWORD", "hunter2")
    assert "hunter2" not in json.dumps(environment.collect())


def test_a_machine_does_not_differ_from_itself():
    assert environment.differences(environment.collect(), environment.collect()) == []


@pytest.mark.parametrize("name", environment.FINGERPRINT)
def test_each_fact_of_the_fingerprint_is_told_when_it_differs(name):
    facts = environment.collect()
    assert environment.differences(facts, facts | {name: "another"}) == [name]
    del facts[name]
    assert environment.differences(facts, environment.collect()) == [name]


def test_what_differs_is_told_with_both_values():
    first = {
        "kernel": "Linux 6.1",
        "python": None,
        "packages": {"boto3": "1.40.0", "redis": "6.4.0", "moto": "5.1"},
    }
    second = {
        "kernel": "Linux 6.2",
        "python": "CPython 3.11",
        "packages": {"boto3": "1.41.0", "redis": "6.4.0"},
    }
    assert environment.explained(first, second) == [
        "kernel (Linux 6.1 against Linux 6.2)",
        "python (unknown against CPython 3.11)",
        "boto3 (1.40.0 against 1.41.0)",
        "moto (5.1 against unknown)",
    ]
    assert environment.explained(first, {"kernel": "Linux 6.1"}) == ["packages (3 known against unknown)"]
    assert environment.explained(first, first) == []


@pytest.mark.parametrize("name", ["commit", "load_average", "memory_bytes", "harness", "hash_seed"])
def test_what_may_differ_between_comparable_runs_is_not_told(name):
    facts = environment.collect()
    assert environment.differences(facts, facts | {name: "another"}) == []


def test_a_clean_checkout_is_its_commit(checkout):
    head = git(checkout, "rev-parse", "HEAD")
    assert commit_of(checkout) == head
    assert len(head) == 40


def test_a_changed_file_is_said_and_an_untracked_one_is_not(checkout):
    (checkout / "runs").touch()
    assert not commit_of(checkout).endswith("+changes")
    (checkout / "file").write_text("two")
    assert commit_of(checkout).endswith("+changes")


def test_outside_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit_of(tmp_path) is None


def test_a_checkout_without_a_commit_has_none(tmp_path):
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) is None


def test_without_git_there_is_no_commit(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit_of(checkout) is None
