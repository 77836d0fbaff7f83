"""Describe what an adapter gets from a SPEC."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A SPEC `KIND:PLACE?…`: its name as text, the object at its place, and its parameters without the reserved ones.

    `requests` and `values` are the names of files; empty if none was given.
    """

    text: str
    application: Any
    parameters: Mapping[str, str]
    requests: str = ""
    values: str = ""
