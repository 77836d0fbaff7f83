"""Every Cypher statement of the core, as Neo4j's own parser and linter read it: no error, and nothing deprecated."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest

from targets.asset_core.stores import graph_queries
from targets.backends import contract, graph, own_places
from tests.support.node import PINNED, node_modules
from tests.support.paths import ROOT

CLAUSE = re.compile(
    r"\b(MATCH|MERGE|UNWIND|OPTIONAL MATCH|DETACH DELETE|CREATE (CONSTRAINT|INDEX)|DROP CONSTRAINT|SHOW (INDEX|CONSTRAINT)\w*)\b|^CREATE \(|^RETURN \d"
)
PARAMETER = re.compile(r"\$(\w+)")
VERSIONS = ("CYPHER 5", "CYPHER 25")
WRONG = {
    "a type as ArcadeDB makes it": "CREATE VERTEX TYPE Asset",
    "a query of ArcadeDB's SQL": "SELECT FROM Asset WHERE id = $id",
    "an index as before version 4": "CREATE INDEX ON :Asset(id)",
    "a constraint as before version 5": "CREATE CONSTRAINT ON (a:Asset) ASSERT a.id IS UNIQUE",
    "a parameter as before version 4": "MATCH (a:Asset {id: {id}}) RETURN a",
    "a property that exists as before version 5": "MATCH (a:Asset) WHERE exists(a.id) RETURN a",
    "a function that is deprecated": "MATCH (a:Asset) RETURN id(a) AS id",
    "a variable that is not there": "MATCH (a:Asset) RETURN b",
    "a parameter that is not given": "MATCH (a:Asset {id: $other}) RETURN a",
    "a type that cannot be": "MATCH (a:Asset) SET a = 1",
}


def statements():
    """Return every statement of the core by a name."""
    found = {name: text for name, text in vars(graph_queries).items() if name.isupper() and name[0] != "_"}
    flat = {}
    for name, value in found.items():
        if isinstance(value, str):
            flat[name] = value
        elif name == "UPSERT_LINKS":
            flat |= {f"{name} {kind}": text for kind, text in value.items()}
        elif name == "SCHEMA":
            flat |= {f"{name} {number}": text for number, text in enumerate(value)}
    beside = {name: text for module in (graph, contract, own_places) for name, text in vars(module).items()}
    return flat | {name: text for name, text in beside.items() if is_cypher(text)}


def is_cypher(value):
    return isinstance(value, str) and CLAUSE.search(value) is not None


@pytest.fixture(scope="module")
def said():
    """Return what the linter finds by (name, version): of each statement of the core, and of each that must not pass.

    One process reads them all: starting it takes seconds.
    """
    asked = {
        (name, version): {
            "text": text,
            "parameters": dict.fromkeys(PARAMETER.findall(text), 0),
            "version": version,
        }
        for name, text in statements().items()
        for version in VERSIONS
    }
    asked |= {
        (name, "CYPHER 5"): {"text": text, "parameters": {"id": 0}, "version": "CYPHER 5"}
        for name, text in WRONG.items()
    }
    done = subprocess.run(
        ["node", str(PINNED / "cypher.js"), str(node_modules())],
        input=json.dumps([*asked.values()]), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1000:]
    return dict(zip(asked, json.loads(done.stdout), strict=True))


def test_no_other_module_has_a_statement():
    known = {Path(module.__file__) for module in (graph_queries, graph, contract, own_places)}
    others = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "targets").rglob("*.py")
        if path not in known
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and is_cypher(node.value)
    ]
    assert others == []
    assert len(statements()) >= 20


@pytest.mark.second
@pytest.mark.parametrize("version", VERSIONS)
def test_neo4js_own_linter_finds_nothing_in_any_statement(said, version):
    assert {name: said[name, version] for name in statements() if said[name, version]} == {}


@pytest.mark.second
@pytest.mark.parametrize("name", WRONG)
def test_what_only_arcadedb_takes_or_neo4j_deprecates_is_found(said, name):
    assert said[name, "CYPHER 5"]
