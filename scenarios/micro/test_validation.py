"""Validation of callers' input: by compiled patterns and types, and by rules applied one by one."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from targets.asset_core.bodies import INGEST
from targets.asset_core.data.generator import Inventory
from targets.asset_core.data.rows import asset_body
from targets.asset_core.errors import InvalidRequestError
from targets.asset_core.reading import Reader
from targets.asset_core.request import Request
from targets.asset_core.validation import Validate, interpret_name, validate_name


@pytest.mark.parametrize("validate", [validate_name, interpret_name], ids=["compiled", "interpreted"])
def test_validate(benchmark: Any, identities: list[tuple[str, str]], validate: Validate) -> None:
    """100 names, of which the last is refused."""
    names = [*(asset_id for _tenant, asset_id in identities[:99]), "with a blank"]
    benchmark.extra_info["per_call"] = len(names)
    assert benchmark(_valid, validate, names) == 99


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "interpreted"])
def test_read_body(benchmark: Any, inventory: Inventory, *, compiled: bool) -> None:
    """The body of an ingest of 10 assets, from bytes to types."""
    body = json.dumps({"assets": [asset_body(inventory.bundle(number)) for number in range(10)]})
    request = Request("POST", "/assets", {}, {"body": body})
    benchmark.extra_info["per_call"] = 10
    read = benchmark(Reader(compiled=compiled).read, request, INGEST)
    assert [asset.id for asset in read.assets] == [inventory.identity(number)[1] for number in range(10)]


def _valid(validate: Validate, names: Sequence[str]) -> int:
    valid = 0
    for name in names:
        try:
            validate("id", name)
        except InvalidRequestError:
            break
        valid += 1
    return valid
