"""The text that names a target: `NAME?key=value&…`, `path/to/file.py:factory?…` or `package.module:factory?…`; values are text."""

import dataclasses
import urllib.parse
from collections.abc import Mapping

from harness.errors import UsageError
from harness.redaction.patterns import HIDDEN
from harness.redaction.redact import learn_parameters, redact_text


@dataclasses.dataclass(frozen=True, slots=True)
class TargetSpec:
    """A SPEC in its parts."""

    name: str
    parameters: Mapping[str, str]

    @property
    def is_factory(self) -> bool:
        """True if the name says where a factory is, false if it is a name of the registry."""
        module, _, function = self.name.rpartition(":")
        return module.endswith(".py") or (function.isidentifier() and module not in {"", "known"})

    @property
    def text(self) -> str:
        """The SPEC again."""
        query = urllib.parse.urlencode(self.parameters)
        return f"{self.name}?{query}" if query else self.name

    @property
    def shown(self) -> str:
        """The SPEC as it may be stored and shown: without secrets, and different where the secrets differ."""
        return redact_text(self.text)


def parse_spec(text: str) -> TargetSpec:
    """Split a SPEC; a parameter without a value, given twice or with a hidden secret is a `UsageError`."""
    name, _, query = text.partition("?")
    try:
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError as error:
        raise UsageError(
            f"The parameters of target '{text}' cannot be read",
            remedy="Write them like ?key=value&other=value",
        ) from error
    if len(dict(pairs)) < len(pairs):
        raise UsageError(f"Target '{text}' has a parameter twice", remedy="Give each parameter once")
    # Copied from a report: the target would be measured with a secret that it does not have.
    if hidden := [parameter for parameter, value in pairs if HIDDEN in value]:
        raise UsageError(
            f"Target '{name}' has a hidden secret in its parameter '{hidden[0]}'",
            remedy=f"Write the secret itself where {HIDDEN} stands",
        )
    learn_parameters(dict(pairs))
    return TargetSpec(name, dict(pairs))
