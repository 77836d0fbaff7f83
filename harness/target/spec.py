"""Parse the SPEC of a target: `NAME?key=value&…`, `path/to/file.py:factory?…` or `package.module:factory?…`; values are text."""

import dataclasses
import urllib.parse
from collections.abc import Mapping

from harness.errors import UsageError
from harness.redaction.patterns import HIDDEN
from harness.redaction.redact import learn_parameters, redact_text


@dataclasses.dataclass(frozen=True, slots=True)
class TargetSpec:
    """A parsed SPEC."""

    name: str
    parameters: Mapping[str, str]

    @property
    def is_factory(self) -> bool:
        """True if the name is the place of a factory, False if it is a name of the registry."""
        module, _, function = self.name.rpartition(":")
        return module.endswith(".py") or (function.isidentifier() and module not in {"", "known"})

    @property
    def text(self) -> str:
        """SPEC as text."""
        query = urllib.parse.urlencode(self.parameters)
        return f"{self.name}?{query}" if query else self.name

    @property
    def shown(self) -> str:
        """SPEC for storing and showing: secrets are hidden, and different secrets look different."""
        return redact_text(self.text)


def parse_spec(text: str) -> TargetSpec:
    """Parse a SPEC. Raises `UsageError` for a parameter without a value, given twice, or with a hidden secret."""
    name, _, query = text.partition("?")
    try:
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError as error:
        raise UsageError(
            f"The parameters of target '{text}' cannot be read",
            remedy="Write them as ?key=value&other=value",
        ) from error
    if len(dict(pairs)) < len(pairs):
        raise UsageError(f"Target '{text}' has a parameter twice", remedy="Give each parameter once")
    # A SPEC copied from a report: the placeholder would be used as the secret.
    if hidden := [parameter for parameter, value in pairs if HIDDEN in value]:
        raise UsageError(
            f"Target '{name}' has a hidden secret in its parameter '{hidden[0]}'",
            remedy=f"Write the secret itself where {HIDDEN} stands",
        )
    learn_parameters(dict(pairs))
    return TargetSpec(name, dict(pairs))
