"""Checks JSON documents of commands against the published schemas."""

import functools
import json
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.paths import ROOT

FOLDER = ROOT / "docs" / "schemas"


def check(document: Any, command: str, *, complete: bool = False) -> None:
    """Raise AssertionError unless the document fits the schema of its command; with `complete` the schema names every key."""
    if command in {path.stem for path in FOLDER.glob("*.json")}:
        errors = [_told(error) for error in _validator(command, complete).iter_errors(document)]
        assert not errors, f"harness {command} --json does not fit docs/schemas/{command}.json: {errors[:3]}"


def _told(error: Any) -> str:
    """Return the deepest cause: that of the alternative which fits best."""
    while error.context:
        error = max(error.context, key=lambda one: len(one.absolute_path))
    return f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"


@functools.cache
def _validator(command: str, complete: bool) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{command}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(_closed(schema) if complete else schema)


def _closed(node: Any) -> Any:
    """Return a schema under which an object has no key beyond those that are named."""
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(one) for key, one in node.items()}
    if isinstance(closed.get("properties"), dict) and "additionalProperties" not in closed:
        closed["additionalProperties"] = False
    return closed
