"""Names that callers send: checked by one compiled pattern, and by rules over their characters."""

from collections.abc import Sequence
from typing import Any

import pytest

from targets.asset_core.errors import InvalidRequestError
from targets.asset_core.validation import Validate, interpret_name, validate_name


@pytest.mark.parametrize("validate", [validate_name, interpret_name], ids=["compiled", "interpreted"])
def test_validate(benchmark: Any, identities: list[tuple[str, str]], validate: Validate) -> None:
    """100 names, of which the last is refused."""
    names = [*(asset_id for _tenant, asset_id in identities[:99]), "with a blank"]
    benchmark.extra_info["per_call"] = len(names)
    assert benchmark(_valid, validate, names) == 99


def _valid(validate: Validate, names: Sequence[str]) -> int:
    valid = 0
    for name in names:
        try:
            validate("id", name)
        except InvalidRequestError:
            break
        valid += 1
    return valid
