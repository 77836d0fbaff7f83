"""An install without the asset core: its commands name what is missing; everything else works."""

import importlib.util
import tomllib

import pytest

from harness.work import checks
from targets.installed import CORE, missing_of_core
from tests.support.cli import inside
from tests.support.paths import ROOT


@pytest.fixture
def plain(monkeypatch):
    """Hide the packages of the asset core, as far as a look at what is installed goes."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name in CORE else find_spec(name, *more)
    )


def test_nothing_is_missing_here():
    assert missing_of_core() == []


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("run", "asset-read"), "The target 'asset-core'"),
        (("run", "asset-read", "--backends", "memory"), "The target 'asset-core'"),
        (("compare", "variant:baseline", "variant:optimised"), "The target 'asset-core'"),
        (("ablate",), "The target 'asset-core'"),
        (("capacity", "asset-read", "--slo", "p99<1s"), "The target 'asset-core'"),
        (("profile", "asset-read"), "The target 'asset-core'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_needs_the_asset_core_is_refused_with_the_command_that_installs_it(plain, tmp_path, words, what):
    said = inside(tmp_path, *words)
    assert said.code == 2
    assert f"{what} needs packages that are not installed: boto3, cryptography, neo4j, redis" in said.stderr
    assert "pip install 'asset-harness[embedded]'" in said.stderr
    assert not list(tmp_path.glob("runs/*"))


def test_a_doctor_has_no_problem_with_what_the_user_does_not_need(plain):
    found = [check() for check in checks.CHECKS[-3:]]
    assert [one.ok for one in found] == [True] * 3
    assert all("only the asset core needs" in one.sentence for one in found)


def test_a_plain_install_has_few_requirements_and_none_of_the_core_s():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert len(project["dependencies"]) <= 15
    core = " ".join(project["optional-dependencies"]["asset-core"])
    assert all(name in core for name in CORE)
    assert not [one for one in project["dependencies"] if any(name in one for name in (*CORE, "moto"))]
