"""Remove secrets from documents: stored and shown runs and sessions."""

import dataclasses
from typing import Any, TypeVar

import msgspec

from harness.redaction.redact import learn, redact, redact_text

Document = TypeVar("Document")

_FREE_FORM = frozenset(("environment", "policy", "extra_info", "params"))
"""Fields whose keys describe their values. In other fields a key may be an operation, which may be called `token`."""
_NAMES = frozenset(
    ("benchmark", "clause", "fullname", "metric", "name", "of", "operation", "order", "planned", "slo", "slos", "stage")
)  # fmt: skip
"""Fields that link parts of documents, as keys do; all of these stay unchanged."""
_COMMANDS = ("command", "target", "spec", "policy")


def without_secrets(document: Document) -> Document:
    """Return a JSON value, a struct or a dataclass with the secrets in its texts replaced, at any depth.

    Unchanged parts are the same objects, not copies.
    """
    _learn_commands(document)
    cleaned: Document = _clean(document)
    return cleaned


def _learn_commands(document: Any) -> None:
    """Learn the secrets among a document's parameters: they may recur in its messages."""
    for name in _COMMANDS:
        value = getattr(document, name, None)
        if isinstance(value, str):
            learn(value)
    for side in ("base", "candidate"):
        if isinstance(getattr(document, side, None), msgspec.Struct):
            _learn_commands(getattr(document, side))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        # An enumeration is a string too, but only of our own values.
        return redact_text(value) if type(value) is str else value
    if isinstance(value, msgspec.Struct):
        return _clean_fields(value, value.__struct_fields__, msgspec.structs.replace)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = tuple(field.name for field in dataclasses.fields(value) if field.init)
        return _clean_fields(value, names, dataclasses.replace)
    return _clean_items(value)


def _clean_named(name: Any, value: Any) -> Any:
    if name in _NAMES:
        return value
    return redact(value) if name in _FREE_FORM and isinstance(value, dict) else _clean(value)


def _clean_items(value: Any) -> Any:
    new = value
    if isinstance(value, dict):
        new = {key: _clean_named(key, item) for key, item in value.items()}
    # Long lists contain only numbers of one type.
    elif type(value) in {list, tuple} and not (value and type(value[0]) in {int, float}):
        new = type(value)(_clean(item) for item in value)
    return value if new == value else new


def _clean_fields(value: Any, names: tuple[str, ...], replace: Any) -> Any:
    changed = {}
    for name in names:
        old = getattr(value, name)
        new = _clean_named(name, old)
        if new is not old and new != old:
            changed[name] = new
    return replace(value, **changed) if changed else value
